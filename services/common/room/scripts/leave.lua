-- A connection is gone: its lease is shortened to the grace in which the member may come back.
-- ARGV: 6 grace ms
if redis.call('ZSCORE', PRESENCE, CONNECTION) then
  redis.call('ZADD', PRESENCE, 'LT', int(NOW_MS + tonumber(ARGV[6])), CONNECTION)
end
if anyone_present() then set('alive_at', seconds(NOW)) end
return {'ok', int(version())}
