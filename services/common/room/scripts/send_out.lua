-- Kick or ban a member. Who is banned stays out: by id, and if asked by address too.
-- ARGV: 6 member, 7 kicked|banned, 8 with address (0|1), 9 a secret for the ban's id
local MOST_BANS = 1000
local seen = replayed()
if seen then return {'ok', seen} end
local member = ARGV[6]
if not outranks(member) then return refused('forbidden') end
if ARGV[7] == 'banned' then
  adopt_bans(ARGV[9])
  local before = redis.call('HGET', BANS, member)
  if not before and redis.call('HLEN', BANS) >= MOST_BANS then return refused('too_many_bans') end
  -- One ban for one member, however often it is said: all of its addresses go with it.
  local id = before and cjson.decode(before).bans[1] or ban_id(ARGV[9], member)
  redis.call('HSET', BANS, member, cjson.encode({
    bans = {id}, name = name_of(member), by = ACTOR, by_name = name_of(ACTOR), at = NOW,
  }))
  redis.call('SREM', GRANTED, member)
  if ARGV[8] == '1' then
    for _, raw in ipairs(redis.call('HVALS', CONNECTIONS)) do
      local connection = cjson.decode(raw)
      if connection.member == member and (connection.address or '') ~= '' then
        local field = BANNED_ADDRESS .. connection.address
        local known = redis.call('HGET', BANS, field)
        local bans = without(known and cjson.decode(known).bans or {}, id)
        bans[#bans + 1] = id
        redis.call('HSET', BANS, field, cjson.encode({bans = bans, by = ACTOR, at = NOW}))
      end
    end
  end
elseif redis.call('HEXISTS', MEMBERS, member) == 0 then
  return refused('no_such_member')
end
local at = send_out(member, ARGV[7])
succeed()
return applied(at)
