-- The events after a version, all of them or none.
-- ARGV: 6 last version seen
-- Answers {'ok', event JSON...}, or {'refused', 'snapshot_needed'} when the log no longer reaches back so far.
local last = tonumber(ARGV[6])
if last == version() then return {'ok'} end
local known = redis.call('XRANGE', LOG, int(last) .. '-0', int(last) .. '-0')
if #known == 0 then return refused('snapshot_needed') end
local answer = {'ok'}
for _, entry in ipairs(redis.call('XRANGE', LOG, '(' .. int(last) .. '-0', '+')) do
  answer[#answer + 1] = entry[2][2]
end
return answer
