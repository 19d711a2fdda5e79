-- Change one of a person's playlists if nobody else did meanwhile.
-- KEYS: 1 the person's hash
-- ARGV: 1 playlist id, 2 the playlist as it was read ('' for none), 3 the new one ('' deletes it), 4 most playlists,
--       5 most bytes of all of them, 6 lifetime in ms
-- Answers 1; 0 if it is another one by now; -1 if these are too many, -2 if they are too large.
local before = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if before ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return 1
end
if before == '' and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return -1 end
if #ARGV[3] > #before then
  local size = #ARGV[3] - #before
  for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do size = size + redis.call('HSTRLEN', KEYS[1], id) end
  if size > tonumber(ARGV[5]) then return -2 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
