-- Play an item now. It replaces the current one, which leaves the queue.
-- ARGV: 6 item id
local seen = replayed()
if seen then return {'ok', seen} end
if not may('queue') then return refused('forbidden') end
local id, current = ARGV[6], get('item')
if redis.call('HEXISTS', ITEMS, id) == 0 then return refused('no_such_item') end
if id == current then return applied(version()) end
if current ~= '' then drop_item(current) end
redis.call('LREM', QUEUE, 0, id)
redis.call('LPUSH', QUEUE, id)
order_event()
return applied(set_current(id))
