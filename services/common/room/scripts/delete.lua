-- End a room: everybody in it is sent out, and nothing of it stays. Who comes after that makes a new one.
-- Answers {'ok', version of the last event}, or {'refused', 'no_such_room'}
local is_there = redis.call('EXISTS', ROOM) == 1
if is_there then
  for _, member in ipairs(redis.call('HKEYS', MEMBERS)) do send_out(member, 'kicked') end
end
local last = version()
redis.call('DEL', unpack(KEYS))
if not is_there then return refused('no_such_room') end
return {'ok', int(last)}
