-- play, pause, seek: the person's position becomes the room's. set_rate: the position runs on at another rate.
-- ARGV: 6 play|pause|seek|set_rate, 7 position in seconds, or the rate
local seen = replayed()
if seen then return {'ok', seen} end
if get('video') == '' then return refused('nothing_playing') end
local kind, value = ARGV[6], tonumber(ARGV[7])

if kind == 'set_rate' then
  local pos = position(NOW)
  anchor(pos, is_playing())
  set('rate', seconds(value))
  return applied(emit('"type":"set_rate","rate":' .. seconds(value) .. ',"timestamp":' .. seconds(pos) .. ',"by":'
    .. quoted(ACTOR)))
end

local duration = tonumber(get('duration'))
if duration and duration > 0 then value = math.min(value, duration) end
anchor(value, kind == 'play' or (kind == 'seek' and is_playing()))
set('autoplay', '0')
return applied(playback_event(kind, value, ACTOR))
