-- Who is banned, for those who may lift bans.
-- ARGV: 6 a secret for the ids of bans that have none
-- Answers {'ok', a ban's JSON…}, or {'refused', 'no_such_room' | 'not_a_member' | 'forbidden'}.
if redis.call('EXISTS', ROOM) == 0 then return refused('no_such_room') end
local objection = not_at_door()
if objection then return refused(objection) end
adopt_bans(ARGV[6])
local found, order = {}, {}
local fields = redis.call('HGETALL', BANS)
for i = 1, #fields, 2 do
  local note = cjson.decode(fields[i + 1])
  local is_address = fields[i]:sub(1, #BANNED_ADDRESS) == BANNED_ADDRESS
  for _, id in ipairs(note.bans) do
    if not found[id] then
      found[id] = {id = id, member = '', name = '', by = note.by, by_name = '', at = note.at, has_address = false}
      order[#order + 1] = id
    end
    local ban = found[id]
    if is_address then
      ban.has_address = true
    else
      ban.member, ban.name, ban.by, ban.by_name, ban.at = fields[i], note.name or '', note.by, note.by_name or '', note.at
    end
  end
end
local answer = {'ok'}
for _, id in ipairs(order) do
  found[id].can_lift = may_lift(found[id].member)
  answer[#answer + 1] = cjson.encode(found[id])
end
return answer
