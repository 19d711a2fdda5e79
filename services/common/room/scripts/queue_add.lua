-- Add an item; in an idle room it becomes the current one.
-- ARGV: 6 item id, 7 item JSON, 8 next (0|1), 9 most items, 10 unlisted (0|1, for a new room), 11 may create (0|1)
local seen = replayed()
if seen then return {'ok', seen} end
if redis.call('HEXISTS', ITEMS, ARGV[6]) == 1 then return {'ok', int(version())} end
if redis.call('EXISTS', ROOM) == 0 then
  if ARGV[11] ~= '1' then return refused('no_such_room') end
  make_room(ARGV[10])
end
if not may('queue') then return refused('forbidden') end
if redis.call('HLEN', ITEMS) >= tonumber(ARGV[9]) then return refused('queue_full') end

local current = get('item')
local playing = current ~= '' and item(current)
local is_idle = not playing or playing.status == 'failed'
local after = 'end'
redis.call('HSET', ITEMS, ARGV[6], ARGV[7])
if is_idle then
  after = 'start'
  redis.call('LPUSH', QUEUE, ARGV[6])
elseif ARGV[8] == '1' and redis.call('LINSERT', QUEUE, 'AFTER', current, ARGV[6]) > 0 then
  after = current
else
  redis.call('RPUSH', QUEUE, ARGV[6])
end
local at = queue_event('"op":"add","after":' .. quoted(after) .. ',"item":' .. ARGV[7])
if is_idle then at = set_current(ARGV[6]) end
return applied(at)
