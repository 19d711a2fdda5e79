-- Tells that a node holds all of a bucket, unless somebody who began later has told so already.
-- KEYS: bucket index of the object, lease. ARGV: node, bucket number, fencing token, generation.
-- Answers 1 if it was entered.
if redis.call('GET', KEYS[2]) == ARGV[1] then
  redis.call('DEL', KEYS[2])
end
local held = redis.call('HGET', KEYS[1], ARGV[2])
local fence = held and tonumber(string.match(held, '^(%d+) '))
if fence and fence > tonumber(ARGV[3]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[1])
return 1
