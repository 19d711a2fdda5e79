-- Change what is kept of one paired browser, unless it was disconnected or changed meanwhile.
-- KEYS: 1 the person's hash
-- ARGV: 1 the field and 2 the value as they were read, 3 the new field, 4 the new value, 5 lifetime of the hash in ms
-- Answers 1, or 0 if there is another value, or none, by now.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] ~= ARGV[1] then redis.call('HDEL', KEYS[1], ARGV[1]) end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
