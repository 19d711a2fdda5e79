-- A failed item is to be resolved again.
-- ARGV: 6 item id, 7 lend (0|1): with the actor's cookies too
local seen = replayed()
if seen then return {'ok', seen} end
if not may('queue') then return refused('forbidden') end
local found = item(ARGV[6])
if not found then return refused('no_such_item') end
if found.status ~= 'failed' then return applied(version()) end
found.status, found.code, found.message, found.attempts = 'resolving', nil, nil, {}
if ARGV[7] == '1' then set_lender(found, true) end
local raw = item_json(found)
redis.call('HSET', ITEMS, ARGV[6], raw)
return applied(queue_event('"op":"item","item":' .. raw))
