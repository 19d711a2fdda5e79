-- Give a member a role. To make somebody owner gives the room away.
-- ARGV: 6 member, 7 role
local seen = replayed()
if seen then return {'ok', seen} end
local member, role = ARGV[6], ARGV[7]
if redis.call('HEXISTS', MEMBERS, member) == 0 then return refused('no_such_member') end
if role == 'owner' then
  if ACTOR ~= get('owner') then return refused('forbidden') end
  if member == ACTOR then return applied(version()) end
  redis.call('HSET', ROLES, ACTOR, 'moderator')
  redis.call('HDEL', ROLES, member)
  set('owner', member, 'acting', '')
  member_event(ACTOR)
else
  if not outranks(member) or RANK[role] >= RANK[role_of(ACTOR)] then return refused('forbidden') end
  if role == 'member' then redis.call('HDEL', ROLES, member) else redis.call('HSET', ROLES, member, role) end
end
return applied(member_event(member))
