-- Renew the leases of all of a replica's connections in this room.
-- ARGV: 6 replica, 7 its slowest member's round trip in ms, from 8 on pairs of connection, lease ms
-- Answers {'ok', version, when the first lease of the room ends in ms or '', connections that are not known here and
-- must join again...}
local PACE_TTL_MS = 30 * 1000
local answer = {'ok', int(version()), ''}
redis.call('HSET', PACE, ARGV[6], ARGV[7] .. ':' .. int(NOW_MS + PACE_TTL_MS))
redis.call('PEXPIRE', PACE, PACE_TTL_MS)
for i = 8, #ARGV, 2 do
  if redis.call('HEXISTS', CONNECTIONS, ARGV[i]) == 1 then
    redis.call('ZADD', PRESENCE, int(NOW_MS + tonumber(ARGV[i + 1])), ARGV[i])
  else
    answer[#answer + 1] = ARGV[i]
  end
end
answer[3] = redis.call('ZRANGE', PRESENCE, 0, 0, 'WITHSCORES')[2] or ''
if redis.call('EXISTS', ROOM) == 1 then
  set('alive_at', seconds(NOW))
  keep()
end
return answer
