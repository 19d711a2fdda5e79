-- A member takes another name.
-- ARGV: 6 name
local seen = replayed()
if seen then return {'ok', seen} end
local raw = redis.call('HGET', MEMBERS, ACTOR)
if not raw then return refused('not_a_member') end
local member = cjson.decode(raw)
member.name = ARGV[6]
local updated = cjson.encode(member)
redis.call('HSET', MEMBERS, ACTOR, updated)
return applied(emit('"type":"member_updated","email":' .. quoted(ACTOR) .. ',"member":' .. updated))
