-- A connection joins; the room is made if it is new, and its maker owns it.
-- ARGV: 6 lease ms, 7 name, 8 is guest (0|1), 9 replica, 10 unlisted (0|1, for a new room)
-- Answers {'ok', version}. Repeating it with the same connection changes nothing.
if redis.call('EXISTS', ROOM) == 0 then make_room(ARGV[10]) end
if get('owner') == '' then set('owner', ACTOR) end
if not anyone_present() then stand_still() end

redis.call('ZADD', PRESENCE, int(NOW_MS + tonumber(ARGV[6])), CONNECTION)
redis.call('HSET', CONNECTIONS, CONNECTION, cjson.encode({member = ACTOR, replica = ARGV[9]}))
set('alive_at', seconds(NOW))

local known = redis.call('HGET', MEMBERS, ACTOR)
local at = version()
if not known or cjson.decode(known).name ~= ARGV[7] then
  local joined_at = known and cjson.decode(known).joined_at or NOW
  local role = get('owner') == ACTOR and 'owner' or 'member'
  local member = '{"name":' .. quoted(ARGV[7]) .. ',"is_guest":' .. flag(ARGV[8] == '1') .. ',"joined_at":'
    .. seconds(joined_at) .. ',"role":"' .. role .. '"}'
  redis.call('HSET', MEMBERS, ACTOR, member)
  at = emit('"type":"' .. (known and 'member_updated' or 'member_joined') .. '","email":' .. quoted(ACTOR)
    .. ',"member":' .. member)
end
-- The video was ready before anybody was there to see it begin.
if get('autoplay') == '1' and get('video') ~= '' then
  set('autoplay', '0')
  anchor(0, true)
  at = playback_event('play', 0, ACTOR)
end
keep()
return {'ok', int(at)}
