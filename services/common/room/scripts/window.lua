-- What a live stream offers, as the actor's player sees it. A room that is where no pictures are moves to some.
-- ARGV: 6 item id, 7 date of the first picture, 8 date after the last one, 9 longest segment in seconds
local DECAY = 0.05
if get('item') ~= ARGV[6] or not is_live() then return {'ok', int(version())} end
local known = live_window()
-- What moves a room is the word of those who may; until they speak any word is better than none.
if known and not may('playback') then return {'ok', int(version())} end

local first, last, segment = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local lag = NOW - last
if known then
  -- A playlist is some seconds old when it is read, and some are older: the oldest counts, for a while.
  local since = math.max(0, NOW - (tonumber(get('live_at')) or NOW))
  local kept = tonumber(get('live_lag')) - DECAY * since
  -- Another encoder, another clock: nothing of what was known holds.
  if math.abs(kept - lag) < 60 then lag = math.max(lag, kept) end
end
set('live_lag', seconds(lag), 'live_span', seconds(last - first), 'live_segment', seconds(segment),
  'live_at', seconds(NOW))
keep()

local window, pos = live_window(), position(NOW)
local is_fine = known and pos >= window.first and pos <= window.last
  -- Where it began was a guess.
  or not known and math.abs(pos - at_edge(window)) <= segment
if not is_playing() or is_fine then return {'ok', int(version())} end
local slid_out = known and pos < window.first
local to = slid_out and math.min(window.first + segment, at_edge(window)) or at_edge(window)
local starts_at = NOW + lead()
anchor(to, true, starts_at)
return {'ok', int(playback_event('seek', to, '', starts_at, pos))}
