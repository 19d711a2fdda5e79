-- Redis' wall clock was stepped: what is kept as a time moves with it, so that the room stays where it is. Every
-- replica notices a step and says so; the first is heard. Nobody is told: each reads the room anew.
-- ARGV: 6 the step in seconds
local STEPS_APART_S, SAME_S, NOTICED_WITHIN_S = 20, 1, 5
local step = tonumber(ARGV[6])
if redis.call('EXISTS', ROOM) == 0 then return {'ok', '0'} end
local last, by = tonumber(get('stepped_at')), tonumber(get('stepped_by'))
if last and math.abs(NOW - last) < STEPS_APART_S and math.abs(step - by) < SAME_S then return {'ok', int(version())} end
set('stepped_at', seconds(NOW), 'stepped_by', seconds(step))
for _, field in ipairs({'at', 'alive_at'}) do
  local time = tonumber(get(field))
  -- What was written since the step is right already. Leases are renewed soon, and not judged meanwhile.
  local is_new = time and NOW - time >= 0 and NOW - time < NOTICED_WITHIN_S
  if time and not is_new then set(field, seconds(time + step)) end
end
return {'ok', int(version())}
