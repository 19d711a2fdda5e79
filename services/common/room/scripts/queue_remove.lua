-- Remove an item; when it is the current one, the next begins.
-- ARGV: 6 item id
local seen = replayed()
if seen then return {'ok', seen} end
if not may('queue') then return refused('forbidden') end
if redis.call('HEXISTS', ITEMS, ARGV[6]) == 0 then return refused('no_such_item') end
local at = drop_item(ARGV[6])
if get('item') == ARGV[6] then at = play_next() end
return applied(at)
