-- A member can play again, or has left, or the deadline is over: when nobody is waited for any more, the room goes on.
-- ARGV: 6 member ('' only looks at the deadline)
if get('held') ~= '1' then return {'ok', int(version())} end
local waiting, left = cjson.decode(get('waiting')), {}
waiting[ARGV[6]] = nil
for name in pairs(waiting) do left[#left + 1] = name end
table.sort(left)
local deadline = tonumber(get('wait_until')) or NOW
if #left > 0 and NOW < deadline then
  if ARGV[6] == '' then return {'ok', int(version())} end
  set('waiting', cjson.encode(waiting))
  return {'ok', int(emit('"type":"waiting","members":' .. cjson.encode(left) .. ',"timestamp":' .. get('pos')
    .. ',"until":' .. seconds(deadline)))}
end
local pos, starts_at = position(NOW), NOW + lead()
anchor(pos, true, starts_at)
return {'ok', int(emit('"type":"resumed","timestamp":' .. seconds(pos) .. ',"starts_at":' .. seconds(starts_at)
  .. ',"excused":' .. (#left > 0 and cjson.encode(left) or '[]')))}
