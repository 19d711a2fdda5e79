-- play, pause, seek: the person's position becomes the room's. set_rate: the position runs on at another rate.
-- A live stream has dates for positions, in what it offers, and the speed of the clock; without dates no seek: 'live'.
-- ARGV: 6 play|pause|seek|set_rate, 7 position in seconds, or the rate, from 8 on ids of seeks that this one replaces
local seen = replayed()
-- A replaced seek has this one's answer for good: said again, it must not move the room back.
local function answered(at)
  for i = 8, #ARGV do redis.call('ZADD', DONE, 'NX', int(at), ACTOR .. '|' .. ARGV[i]) end
  return at
end
if seen then return {'ok', answered(seen)} end
if not may('playback') then return refused('forbidden') end
if not has_video() then return refused('nothing_playing') end
local kind, value = ARGV[6], tonumber(ARGV[7])

if is_live() then
  local window = live_window()
  if kind == 'set_rate' or (kind == 'seek' and not window) then return refused('live') end
  -- Who sees no dates can't say where: the room goes on at the edge.
  value = window and offered(value, window) or (kind == 'play' and at_edge(nil) or position(NOW))
end
if kind == 'set_rate' then
  local pos = position(NOW)
  set('pos', seconds(pos), 'at', seconds(NOW), 'rate', seconds(value))
  return applied(emit('"type":"set_rate","rate":' .. seconds(value) .. ',"timestamp":' .. seconds(pos) .. ',"by":'
    .. quoted(ACTOR)))
end

local duration = tonumber(get('duration'))
if duration and duration > 0 then value = math.min(value, duration) end
local from = position(NOW)
local plays = kind == 'play' or (kind == 'seek' and is_playing())
local starts_at = plays and NOW + lead() or NOW
anchor(value, plays, starts_at)
if get('autoplay') ~= '0' then set('autoplay', '0') end
if kind ~= 'pause' then forget_ends() end
return applied(answered(playback_event(kind, value, ACTOR, starts_at, from)))
