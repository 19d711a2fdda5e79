-- Kick or ban a member. Who is banned stays out: by id, and if asked by address too.
-- ARGV: 6 member, 7 kicked|banned, 8 with address (0|1)
local MOST_BANS = 1000
local seen = replayed()
if seen then return {'ok', seen} end
local member = ARGV[6]
if not outranks(member) then return refused('forbidden') end
if ARGV[7] == 'banned' then
  if redis.call('HLEN', BANS) >= MOST_BANS and redis.call('HEXISTS', BANS, member) == 0 then
    return refused('too_many_bans')
  end
  local note = cjson.encode({by = ACTOR, at = NOW})
  redis.call('HSET', BANS, member, note)
  redis.call('SREM', GRANTED, member)
  if ARGV[8] == '1' then
    for _, raw in ipairs(redis.call('HVALS', CONNECTIONS)) do
      local connection = cjson.decode(raw)
      if connection.member == member and (connection.address or '') ~= '' then
        redis.call('HSET', BANS, 'address:' .. connection.address, note)
      end
    end
  end
elseif redis.call('HEXISTS', MEMBERS, member) == 0 then
  return refused('no_such_member')
end
local at = send_out(member, ARGV[7])
succeed()
return applied(at)
