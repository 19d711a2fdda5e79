-- Note what a person watches, unless they keep no history.
-- KEYS: 1 order (entry ids by ms), 2 entries, 3 their wish to keep none
-- ARGV: 1 entry id, 2 entry JSON, 3 when in ms, 4 most entries, 5 lifetime in ms
-- Answers 1, or 0 if they keep none.
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('PEXPIRE', KEYS[3], ARGV[5])
  return 0
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local surplus = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4])
if surplus > 0 then
  for _, old in ipairs(redis.call('ZRANGE', KEYS[1], 0, surplus - 1)) do
    redis.call('ZREM', KEYS[1], old)
    redis.call('HDEL', KEYS[2], old)
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
