-- The current item is over: the next one begins. Safe to say by every client and every replica; the first wins.
-- Where nobody knows how long it is, most of those who watch must have said so.
-- ARGV: 6 item id, 7 seconds by which the room may be short of the end (negative: must be beyond it),
--       from 8 on members who see no end now: hidden, or with a player that stands
local seen = replayed()
if seen then return {'ok', seen} end
if get('item') ~= ARGV[6] or not has_video() then return applied(version()) end

local function most_say_so()
  local finished = cjson.decode(get('finished') == '' and '{}' or get('finished'))
  if ACTOR ~= '' then
    finished[ACTOR] = true
    set('finished', cjson.encode(finished))
  end
  local said, all, blind = 0, 0, {}
  for i = 8, #ARGV do blind[ARGV[i]] = true end
  for _, member in ipairs(redis.call('HKEYS', MEMBERS)) do
    -- Whoever saw the end counts, however their player is since.
    if finished[member] then said, all = said + 1, all + 1 elseif not blind[member] then all = all + 1 end
  end
  return said > 0 and 2 * said > all
end

local duration = tonumber(get('duration'))
if duration and duration > 0 then
  local at, rate = tonumber(get('at')) or NOW, tonumber(get('rate')) or 1
  local reached = (tonumber(get('pos')) or 0) + (is_playing() and get('held') ~= '1' and rate * (NOW - at) or 0)
  if reached + tonumber(ARGV[7]) < duration then return refused('not_at_end') end
elseif not most_say_so() then
  return ACTOR == '' and {'ok', int(version())} or applied(version())
end
if not anyone_present() then return refused('nobody_present') end
drop_item(ARGV[6])
return applied(play_next())
