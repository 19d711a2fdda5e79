-- The current item is over: the next one begins. Safe to say by every client and every replica; the first wins.
-- ARGV: 6 item id, 7 seconds by which the room may be short of the end (negative: must be beyond it),
--       8 duration that the sender's player saw, or ''
local seen = replayed()
if seen then return {'ok', seen} end
if get('item') ~= ARGV[6] or get('video') == '' then return applied(version()) end
local duration = tonumber(get('duration')) or tonumber(ARGV[8])
if duration and duration > 0 then
  local at, rate = tonumber(get('at')) or NOW, tonumber(get('rate')) or 1
  local reached = (tonumber(get('pos')) or 0) + (is_playing() and get('held') ~= '1' and rate * (NOW - at) or 0)
  if reached + tonumber(ARGV[7]) < duration then return refused('not_at_end') end
end
if not anyone_present() then return refused('nobody_present') end
drop_item(ARGV[6])
return applied(play_next())
