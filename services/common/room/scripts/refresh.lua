-- Renew the leases of all of a replica's connections in this room.
-- ARGV: from 6 on pairs of connection, lease ms
-- Answers {'ok', version, connections that are not known here and must join again...}
local answer = {'ok', int(version())}
for i = 6, #ARGV, 2 do
  if redis.call('HEXISTS', CONNECTIONS, ARGV[i]) == 1 then
    redis.call('ZADD', PRESENCE, int(NOW_MS + tonumber(ARGV[i + 1])), ARGV[i])
  else
    answer[#answer + 1] = ARGV[i]
  end
end
if redis.call('EXISTS', ROOM) == 1 then
  set('alive_at', seconds(NOW))
  keep()
end
return answer
