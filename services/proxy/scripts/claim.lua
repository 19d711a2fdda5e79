-- Asks to fetch a bucket from its origin.
-- KEYS: bucket index of the object, lease. ARGV: node, bucket number, lease in ms, life of the index in s.
-- Answers {node that holds all of it or '', node that fetches it now or '', fencing token (0 if somebody else fetches)}.
local holder = redis.call('HGET', KEYS[1], ARGV[2]) or ''
local filler = redis.call('GET', KEYS[2])
if filler and filler ~= ARGV[1] then
  return {holder, filler, 0}
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
local fence = redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('EXPIRE', KEYS[1], ARGV[4])
return {holder, '', fence}
