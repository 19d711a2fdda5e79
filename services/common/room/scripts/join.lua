-- A connection joins; the room is made if it is new, and its maker owns it.
-- ARGV: 6 lease ms, 7 name, 8 is guest (0|1), 9 replica, 10 unlisted (0|1, for a new room), 11 address hash,
--       12 up to when leases may be judged, ms, or '' for now, 13 most members
-- Answers {'ok', version}, or {'refused', 'banned' | 'locked' | 'password_required' | 'room_full'}. Repeating it with the same
-- connection changes nothing.
if redis.call('EXISTS', ROOM) == 0 then make_room(ARGV[10]) end
if get('owner') == '' then set('owner', ACTOR) end
if redis.call('HEXISTS', BANS, ACTOR) == 1 then return refused('banned') end
local raw = redis.call('HGET', MEMBERS, ACTOR)
if RANK[role_of(ACTOR)] < RANK.moderator then
  -- Who runs the room may share an address with whom they banned.
  if redis.call('HEXISTS', BANS, 'address:' .. ARGV[11]) == 1 then return refused('banned') end
  if not raw then
    if settings().is_locked then return refused('locked') end
    if get('password') ~= '' and redis.call('SISMEMBER', GRANTED, ACTOR) == 0 then
      return refused('password_required')
    end
  end
end
if not raw and redis.call('HLEN', MEMBERS) >= tonumber(ARGV[13]) then return refused('room_full') end
if redis.call('ZCOUNT', PRESENCE, '(' .. int(judged_ms(ARGV[12])), '+inf') == 0 then stand_still() end

redis.call('ZADD', PRESENCE, int(NOW_MS + tonumber(ARGV[6])), CONNECTION)
redis.call('HSET', CONNECTIONS, CONNECTION, cjson.encode({member = ACTOR, replica = ARGV[9], address = ARGV[11]}))
set('alive_at', seconds(NOW))

local at = version()
local found = raw and cjson.decode(raw) or {is_guest = ARGV[8] == '1', joined_at = NOW}
if found.name ~= ARGV[7] then
  found.name = ARGV[7]
  redis.call('HSET', MEMBERS, ACTOR, member_json(ACTOR, found))
  at = member_event(ACTOR, raw and 'member_updated' or 'member_joined')
end
if ACTOR == get('owner') and get('acting') ~= '' then
  local stand_in = get('acting')
  set('acting', '')
  at = member_event(stand_in)
end
-- The video was ready before anybody was there to see it begin.
if get('autoplay') == '1' and has_video() then
  set('autoplay', '0')
  anchor(first_position(), true)
  at = playback_event('play', first_position(), ACTOR)
end
keep()
return {'ok', int(at)}
