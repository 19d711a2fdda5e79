-- A failed item is to be resolved again.
-- ARGV: 6 item id
local seen = replayed()
if seen then return {'ok', seen} end
if not may('queue') then return refused('forbidden') end
local found = item(ARGV[6])
if not found then return refused('no_such_item') end
if found.status ~= 'failed' then return applied(version()) end
found.status, found.code, found.message = 'resolving', nil, nil
local raw = item_json(found)
redis.call('HSET', ITEMS, ARGV[6], raw)
return applied(queue_event('"op":"item","item":' .. raw))
