-- The actor's cookies may serve an item in this room, or may no longer.
-- ARGV: 6 item id, 7 lend (0|1)
local seen = replayed()
if seen then return {'ok', seen} end
if ARGV[7] == '1' and not may('queue') then return refused('forbidden') end
local found = item(ARGV[6])
if not found then return refused('no_such_item') end
local is_ended = ARGV[7] == '0' and found.opened_with == ACTOR
set_lender(found, ARGV[7] == '1')
if is_ended then
  -- What these cookies opened is nobody's any more: the item is resolved again by the ways that are left.
  found.opened_with, found.status, found.code, found.message, found.attempts = '', 'resolving', nil, nil, {}
  found.title, found.thumbnail, found.duration = string.sub(found.url, 1, 200), '', 0
end
local raw = item_json(found)
if raw == redis.call('HGET', ITEMS, ARGV[6]) then return applied(version()) end
redis.call('HSET', ITEMS, ARGV[6], raw)
local at = queue_event('"op":"item","item":' .. raw)
if is_ended and get('item') == ARGV[6] and has_video() then at = set_current(ARGV[6]) end
return applied(at)
