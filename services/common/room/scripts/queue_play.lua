-- Play an item now. It replaces the current one, which leaves the queue.
-- ARGV: 6 item id, 7 lend (0|1): with the actor's cookies too
local seen = replayed()
if seen then return {'ok', seen} end
if not may('queue') then return refused('forbidden') end
local id, current = ARGV[6], get('item')
if redis.call('HEXISTS', ITEMS, id) == 0 then return refused('no_such_item') end
if ARGV[7] == '1' then
  local found = item(id)
  set_lender(found, true)
  local raw = item_json(found)
  redis.call('HSET', ITEMS, id, raw)
  queue_event('"op":"item","item":' .. raw)
end
if id == current then return applied(version()) end
if current ~= '' then drop_item(current) end
redis.call('LREM', QUEUE, 0, id)
redis.call('LPUSH', QUEUE, id)
order_event()
return applied(set_current(id))
