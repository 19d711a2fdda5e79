-- A member takes another name.
-- ARGV: 6 name
local seen = replayed()
if seen then return {'ok', seen} end
local raw = redis.call('HGET', MEMBERS, ACTOR)
if not raw then return refused('not_a_member') end
local member = cjson.decode(raw)
member.name = ARGV[6]
redis.call('HSET', MEMBERS, ACTOR, member_json(ACTOR, member))
return applied(member_event(ACTOR))
