-- Remove connections whose lease is over. A member is announced gone, once, with the last of theirs.
-- ARGV: 6 up to when leases may be judged, ms, or '' for now: also right when the command is carried out late
-- Answers {'ok', version, earliest remaining lease end in ms or ''}
local gone = redis.call('ZRANGEBYSCORE', PRESENCE, '-inf', int(judged_ms(ARGV[6])), 'LIMIT', 0, 500)
local suspects = {}
for _, connection in ipairs(gone) do
  local raw = redis.call('HGET', CONNECTIONS, connection)
  if raw then suspects[cjson.decode(raw).member] = true end
  redis.call('HDEL', CONNECTIONS, connection)
  redis.call('ZREM', PRESENCE, connection)
end
if next(suspects) then
  for _, raw in ipairs(redis.call('HVALS', CONNECTIONS)) do suspects[cjson.decode(raw).member] = nil end
  for member in pairs(suspects) do send_out(member, 'left') end
  succeed()
end
if #gone > 0 then
  if redis.call('ZCARD', PRESENCE) == 0 then stand_still() end
  renew_ttl()
end
local first = redis.call('ZRANGE', PRESENCE, 0, 0, 'WITHSCORES')
return {'ok', int(version()), first[2] or ''}
