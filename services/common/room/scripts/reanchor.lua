-- Redis' wall clock was stepped: what is kept as a time moves with it, so that the room stays where it is. Every
-- replica notices a step and says so; the first is heard. Nobody is told: each reads the room anew.
-- ARGV: 6 the step in seconds
local STEPS_APART_S, SAME_S, NOTICED_WITHIN_S = 20, 1, 5
local step = tonumber(ARGV[6])
if redis.call('EXISTS', ROOM) == 0 then return {'ok', '0'} end
local last, by = tonumber(get('stepped_at')), tonumber(get('stepped_by'))
if last and math.abs(NOW - last) < STEPS_APART_S and math.abs(step - by) < SAME_S then return {'ok', int(version())} end
set('stepped_at', seconds(NOW), 'stepped_by', seconds(step))
-- What was written since the step is right already. Leases are renewed soon, and not judged meanwhile.
local function is_old(time) return time and (NOW - time < 0 or NOW - time >= NOTICED_WITHIN_S) end
-- The pictures' dates know nothing of this clock: how far they are behind it changes with it.
local lag, seen = tonumber(get('live_lag')), tonumber(get('live_at'))
if lag and is_old(seen) then set('live_lag', seconds(lag + step), 'live_at', seconds(seen + step)) end
-- The deadline of a standstill was set with it.
if get('held') == '1' and is_old(tonumber(get('at'))) then
  set('wait_until', seconds((tonumber(get('wait_until')) or NOW) + step))
end
for _, field in ipairs({'at', 'alive_at'}) do
  local time = tonumber(get(field))
  if is_old(time) then set(field, seconds(time + step)) end
end
return {'ok', int(version())}
