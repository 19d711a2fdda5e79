-- The whole room at one version.
-- Answers {'ok', room hash, queue, items hash, members hash, now in seconds}, or {'refused', 'no_such_room'}
if redis.call('EXISTS', ROOM) == 0 then return refused('no_such_room') end
return {'ok', redis.call('HGETALL', ROOM), redis.call('LRANGE', QUEUE, 0, -1), redis.call('HGETALL', ITEMS),
  redis.call('HGETALL', MEMBERS), seconds(NOW)}
