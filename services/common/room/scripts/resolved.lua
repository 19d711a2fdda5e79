-- The result of a resolution enters the room, once, whoever asked. When the item is the current one, it plays.
-- ARGV: 6 item id, 7 ready|failed, 8 title, 9 thumbnail, 10 duration in seconds or '', 11 video JSON or '', 12 code,
--       13 message, 14 attempts (JSON list), 15 the member whose cookies opened it, or '',
--       16 is live (0|1), 17 where it begins, in seconds, or ''
-- Answers {'ok', version}, or {'refused', 'no_such_item'} when it was removed meanwhile, 'not_lent' when those cookies
-- may not serve it (any more).
local found = item(ARGV[6])
if not found then return refused('no_such_item') end
if ARGV[15] ~= '' and not lends(found, ARGV[15]) then return refused('not_lent') end
local is_current, at = get('item') == ARGV[6], version()

if ARGV[7] == 'failed' then
  if found.status == 'failed' or (is_current and has_video()) then return {'ok', int(at)} end
  found.status, found.code, found.message = 'failed', ARGV[12], ARGV[13]
  found.attempts, found.opened_with = cjson.decode(ARGV[14]), ''
else
  found.status, found.code, found.message = 'ready', nil, nil
  found.attempts, found.opened_with = {}, ARGV[15]
  found.title, found.thumbnail, found.duration = ARGV[8], ARGV[9], tonumber(ARGV[10]) or 0
end
local raw = item_json(found)
if raw ~= redis.call('HGET', ITEMS, ARGV[6]) then
  redis.call('HSET', ITEMS, ARGV[6], raw)
  at = queue_event('"op":"item","item":' .. raw)
end
if ARGV[7] == 'failed' then
  at = emit('"type":"resolve_failed","item_id":' .. quoted(ARGV[6]) .. ',"code":' .. quoted(ARGV[12]) .. ',"message":'
    .. quoted(ARGV[13]))
elseif is_current then
  local is_live_now = ARGV[16] == '1'
  local is_new, is_changed = not has_video() or is_live() ~= is_live_now, get('video') ~= ARGV[11]
  set('video', ARGV[11], 'duration', ARGV[10], 'live', ARGV[16], 'begin', ARGV[17])
  if is_new then
    local watched = anyone_present()
    -- What is live goes at the speed of the clock, whatever speed was wished for before it.
    if is_live_now and tonumber(get('rate')) ~= 1 then
      set('rate', '1')
      emit('"type":"set_rate","rate":1,"timestamp":' .. seconds(tonumber(get('pos')) or 0) .. ',"by":""')
    end
    anchor(first_position(), watched)
    if watched then set('autoplay', '0') end
    at = video_event(ARGV[11], ARGV[6], is_playing())
  elseif is_changed then
    at = emit('"type":"video_renewed","item_id":' .. quoted(ARGV[6]) .. ',"video":' .. ARGV[11])
  end
end
keep()
return {'ok', int(at)}
