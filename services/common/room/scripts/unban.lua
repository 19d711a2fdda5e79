-- Let somebody in again: their id and the addresses of that ban, together.
-- ARGV: 6 ban
local seen = replayed()
if seen then return {'ok', seen} end
local objection = not_at_door()
if objection then return refused(objection) end
local member, name, held = '', '', {}
local fields = redis.call('HGETALL', BANS)
for i = 1, #fields, 2 do
  local note = cjson.decode(fields[i + 1])
  local others = without(note.bans or {}, ARGV[6])
  if #others < #(note.bans or {}) then
    held[fields[i]] = {note = note, others = others}
    if fields[i]:sub(1, #BANNED_ADDRESS) ~= BANNED_ADDRESS then member, name = fields[i], note.name or '' end
  end
end
if not next(held) then return refused('no_such_ban') end
if not may_lift(member) then return refused('forbidden') end
for field, entry in pairs(held) do
  if #entry.others == 0 then
    redis.call('HDEL', BANS, field)
  else
    -- Somebody else is banned with this address, too.
    entry.note.bans = entry.others
    redis.call('HSET', BANS, field, cjson.encode(entry.note))
  end
end
return applied(emit('"type":"unbanned","ban":' .. quoted(ARGV[6]) .. ',"name":' .. quoted(name)
  .. ',"by":' .. quoted(ACTOR)))
