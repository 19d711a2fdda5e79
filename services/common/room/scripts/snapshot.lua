-- The whole room at one version.
-- Answers {'ok', room hash, queue, items hash, members hash, chat messages, latest events}, or
-- {'refused', 'no_such_room'}
if redis.call('EXISTS', ROOM) == 0 then return refused('no_such_room') end

local function latest(stream, most, field)
  local found, entries = {}, redis.call('XREVRANGE', stream, '+', '-', 'COUNT', most)
  for i = #entries, 1, -1 do
    if entries[i][2][1] == field then found[#found + 1] = entries[i][2][2] end
  end
  return found
end

return {'ok', redis.call('HGETALL', ROOM), redis.call('LRANGE', QUEUE, 0, -1), redis.call('HGETALL', ITEMS),
  redis.call('HGETALL', MEMBERS), latest(CHAT, 200, 'm'), latest(LOG, 60, 'e')}
