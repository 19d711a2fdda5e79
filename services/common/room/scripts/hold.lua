-- A member's player has run dry: the room waits for them, as its policy says, until a deadline.
-- ARGV: 6 member, 7 most ms to wait
-- Answers {'ok', version}, or {'refused', 'not_waiting' | 'excused'}.
local policy, member = settings().buffering or 'never', ARGV[6]
local counts = policy == 'everyone' or (policy == 'owner' and role_of(member) == 'owner')
if not counts or not is_playing() or not has_video() then return refused('not_waiting') end
if redis.call('HEXISTS', MEMBERS, member) == 0 then return refused('not_waiting') end

-- Who stalls three times in two minutes is not waited for again, until two minutes after.
local STRIKES, WINDOW_S = 3, 120
local stalls = cjson.decode(get('stalls') == '' and '{}' or get('stalls'))
local lately = {}
for who, times in pairs(stalls) do
  for _, at in ipairs(times) do
    -- One from the future is of before the clock was stepped.
    if at > NOW - WINDOW_S and at <= NOW then
      lately[who] = lately[who] or {}
      table.insert(lately[who], at)
    end
  end
end
local recent = lately[member] or {}
if #recent >= STRIKES then return refused('excused') end

local waiting = cjson.decode(get('waiting') == '' and '{}' or get('waiting'))
if waiting[member] then return {'ok', int(version())} end
recent[#recent + 1] = NOW
lately[member] = recent
local is_first = next(waiting) == nil
local deadline = is_first and NOW + tonumber(ARGV[7]) / 1000 or tonumber(get('wait_until'))
if is_first then
  local pos = position(NOW)
  set('pos', seconds(pos), 'at', seconds(NOW), 'held', '1', 'wait_until', seconds(deadline))
end
waiting[member] = NOW
set('waiting', cjson.encode(waiting), 'stalls', cjson.encode(lately))
local names = {}
for name in pairs(waiting) do names[#names + 1] = name end
table.sort(names)
keep()
return {'ok', int(emit('"type":"waiting","members":' .. cjson.encode(names) .. ',"timestamp":' .. get('pos') .. ',"until":'
  .. seconds(deadline)))}
