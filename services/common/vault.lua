-- Change one person's cookies if nobody else did meanwhile.
-- KEYS: 1 the person's hash
-- ARGV: 1 the index as it was read ('' for none), 2 the new index ('' forgets everything), 3 lifetime in ms,
--       then fields and values in turn ('' deletes the field)
-- Answers 1, or 0 if the index is another one by now.
if (redis.call('HGET', KEYS[1], 'index') or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
  return 1
end
redis.call('HSET', KEYS[1], 'index', ARGV[2])
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[i])
  else
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
