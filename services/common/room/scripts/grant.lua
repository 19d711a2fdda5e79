-- A member gave the right password: they may come in from now on.
if redis.call('EXISTS', ROOM) == 0 then return refused('no_such_room') end
redis.call('SADD', GRANTED, ACTOR)
keep()
return {'ok', int(version())}
