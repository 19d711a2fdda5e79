-- Replace what is known of a site if nobody else did meanwhile.
-- KEYS: 1 the site's record
-- ARGV: 1 the record as it was read ('' for none), 2 the new one ('' deletes it), 3 lifetime in ms
-- Answers 1, or 0 if it is another one by now.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
