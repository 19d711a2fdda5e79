-- Take back a seek, or bring back a removed item.
-- ARGV: 6 version, 7 most items
local seen = replayed()
if seen then return {'ok', seen} end
local entry = redis.call('XRANGE', LOG, ARGV[6] .. '-0', ARGV[6] .. '-0')[1]
if not entry then return refused('too_late') end
local event = cjson.decode(entry[2][2])
if event.type == 'seek' then
  if not may('playback') then return refused('forbidden') end
  if not has_video() or (tonumber(get('set_version')) or 0) > tonumber(ARGV[6]) then return refused('too_late') end
  local from, starts_at = position(NOW), is_playing() and NOW + lead() or NOW
  local window = is_live() and live_window()
  local to = window and offered(event.from, window) or event.from
  anchor(to, is_playing(), starts_at)
  forget_ends()
  return applied(playback_event('seek', to, ACTOR, starts_at, from))
end
if event.type == 'queue_update' and event.op == 'remove' and type(event.item) == 'table' then
  if not may('queue') then return refused('forbidden') end
  local id = event.item_id
  if redis.call('HEXISTS', ITEMS, id) == 1 then return refused('too_late') end
  if redis.call('HLEN', ITEMS) >= tonumber(ARGV[7]) then return refused('queue_full') end
  local raw = item_json(event.item)
  local after = event.index > 0 and redis.call('LINDEX', QUEUE, event.index - 1) or nil
  -- The front belongs to the current item.
  if not after then after = get('item') ~= '' and get('item') or 'end' end
  redis.call('HSET', ITEMS, id, raw)
  place(id, after)
  local at = queue_event('"op":"add","after":' .. quoted(after) .. ',"item":' .. raw)
  if get('item') == '' then at = set_current(id) end
  return applied(at)
end
return refused('not_undoable')
