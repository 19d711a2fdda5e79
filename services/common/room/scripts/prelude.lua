-- What a room script uses of this and of LEAST stands before it (`script.py`). One room's keys only, all under one hash
-- tag. A definition begins with `local` in the first column, and uses those above it.
-- KEYS: 1 room, 2 queue, 3 items, 4 members, 5 connections, 6 presence, 7 done, 8 log, 9 bans, 10 chat, 11 roles,
--       12 granted, 13 pace
-- ARGV: 1 events channel, 2 run, 3 actor (member id; '' is the room itself), 4 command id ('' is none),
--       5 the actor's connection ('' is none); a script's own arguments start at 6
local ROOM, QUEUE, ITEMS, MEMBERS, CONNECTIONS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PRESENCE, DONE, LOG, BANS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local CHAT, ROLES, GRANTED, PACE = KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local CHANNEL, RUN, ACTOR, COMMAND, CONNECTION = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local ROOM_TTL_MS = 30 * 24 * 3600 * 1000
local KEEP_EVERY_S = 60
local LOG_TTL_MS = 10 * 60 * 1000
local LOG_LENGTH = 256
local REPLAY_MS = 2 * 60 * 1000
local MOST_LEAD_S = 0.5
-- A browser that is told to play does so 65 to 95 ms later (measured): who is told that much sooner begins on time.
local BEGIN_S = 0.08

local TIME = redis.call('TIME')
local NOW = tonumber(TIME[1]) + tonumber(TIME[2]) / 1e6
local NOW_MS = tonumber(TIME[1]) * 1000 + math.floor(tonumber(TIME[2]) / 1000)

-- Lua's own number formatting would write 1.7e+12.
local function int(value) return string.format('%.0f', value) end
local function seconds(value) return string.format('%.6f', value) end
local quoted = cjson.encode
local function flag(value) return value and 'true' or 'false' end

-- What most scripts read of the room, several fields each: read at once, since each call costs a microsecond.
local OFTEN = {'version', 'owner', 'acting', 'settings', 'item', 'pos', 'at', 'rate', 'playing', 'held', 'duration',
  'live', 'live_lag', 'live_span', 'live_segment', 'autoplay', 'kept_at', 'finished'}
local known

local function get(field)
  if not known then
    known = {}
    local values = redis.call('HMGET', ROOM, unpack(OFTEN))
    for i, name in ipairs(OFTEN) do known[name] = values[i] or '' end
  end
  return known[field] or redis.call('HGET', ROOM, field) or ''
end

local function set(...)
  redis.call('HSET', ROOM, ...)
  if not known then return end
  local pairs_set = {...}
  for i = 1, #pairs_set, 2 do
    if known[pairs_set[i]] then known[pairs_set[i]] = pairs_set[i + 1] end
  end
end

local function version() return tonumber(get('version')) or 0 end
-- A video is tens of kilobytes: most who ask want to know whether there is one.
local function has_video() return redis.call('HSTRLEN', ROOM, 'video') > 0 end

local function renew_ttl()
  for _, key in ipairs({ROOM, QUEUE, ITEMS, MEMBERS, CONNECTIONS, PRESENCE, BANS, CHAT, ROLES, GRANTED}) do
    redis.call('PEXPIRE', key, ROOM_TTL_MS)
  end
  redis.call('PEXPIRE', LOG, LOG_TTL_MS)
  -- As long as the next renewal may take beyond what an answer is kept for.
  redis.call('PEXPIRE', DONE, REPLAY_MS + 2 * KEEP_EVERY_S * 1000)
  redis.call('ZREMRANGEBYSCORE', DONE, '-inf', '(' .. int(NOW_MS - REPLAY_MS))
end

-- Whether it was written that the room is used now.
local is_noted = false

-- The room was used. While somebody is present a minute may pass before a new key has its end: `reap` sees to all of
-- them when the last one is gone.
local function keep()
  if not is_noted then set('active_at', seconds(NOW)) end
  if NOW - (tonumber(get('kept_at')) or 0) < KEEP_EVERY_S and redis.call('ZCARD', PRESENCE) > 0 then return end
  set('kept_at', seconds(NOW))
  renew_ttl()
end

-- Versions never run backwards, also not after a fail-over that lost some: time is the floor.
-- BODY: the event's JSON from its first own field on, without braces. Answers its version.
local function emit(body)
  local prev = version()
  local next = math.max(prev + 1, NOW_MS)
  local event = '{"version":' .. int(next) .. ',"prev":' .. int(prev) .. ',"run":' .. quoted(RUN)
    .. ',"server_time":' .. seconds(NOW) .. ',' .. body .. '}'
  set('version', int(next), 'active_at', seconds(NOW))
  is_noted = true
  redis.call('XADD', LOG, 'MAXLEN', '~', LOG_LENGTH, int(next) .. '-0', 'e', event)
  redis.call('PUBLISH', CHANNEL, event)
  return next
end

local function refused(code) return {'refused', code} end

-- The version a repeated command was answered with, or nil. DONE's scores are versions, which are also times: that of
-- what was done, or, when nothing was to be done, when that was: then the answer is the version that was before it.
local function replayed()
  if COMMAND == '' then return nil end
  local score = redis.call('ZSCORE', DONE, ACTOR .. '|' .. COMMAND)
  if not score or tonumber(score) == version() then return score end
  local after = redis.call('XRANGE', LOG, '(' .. int(score) .. '-0', '+', 'COUNT', 1)[1]
  local before = after and tonumber(after[2][2]:match('"prev":(%d+)')) or version()
  return int(math.min(tonumber(score), before))
end

local function applied(at)
  if COMMAND ~= '' then
    -- What changed nothing is kept as long, too: judged anew it would undo what somebody else did since.
    redis.call('ZADD', DONE, int(math.max(at, NOW_MS - 1)), ACTOR .. '|' .. COMMAND)
  end
  keep()
  return {'ok', int(at)}
end

-- Roles. The owner is kept with the room; a stand-in (`acting`) has their rights until they are back.
local RANK = {viewer = 1, member = 2, moderator = 3, owner = 4}

local function role_of(member)
  if member == get('owner') or member == get('acting') then return 'owner' end
  return redis.call('HGET', ROLES, member) or 'member'
end

local function settings()
  local raw = get('settings')
  return raw == '' and {} or cjson.decode(raw)
end

-- Whether the actor may do what is guarded by a permission. The room itself may do anything.
local function may(permission)
  if ACTOR == '' then return true end
  local least = (settings().permissions or {})[permission] or LEAST[permission]
  return RANK[role_of(ACTOR)] >= RANK[least]
end

-- Whether the actor is a moderator, and stands above somebody.
local function outranks(member)
  local mine = RANK[role_of(ACTOR)]
  return mine >= RANK.moderator and mine > RANK[role_of(member)]
end

local function is_playing() return get('playing') == '1' end

-- Where the room is at `time` (seconds on the room clock), never beyond a known end.
local function position(time)
  local at = tonumber(get('pos')) or 0
  if is_playing() and get('held') ~= '1' then
    at = at + (tonumber(get('rate')) or 1) * math.max(0, time - (tonumber(get('at')) or time))
  end
  local duration = tonumber(get('duration'))
  if duration and duration > 0 then at = math.min(at, duration) end
  return at
end

-- Nobody is waited for any more: whoever moves the room says so.
local function anchor(pos, playing, time)
  set('pos', seconds(pos), 'at', seconds(time or NOW), 'playing', playing and '1' or '0', 'held', '0', 'waiting', '{}')
end

-- How long from now everybody needs to hear of a start and begin: the slowest round trip and what a player takes, at
-- most half a second. Nothing while no player has told how far away it is.
local function lead()
  local slowest = 0
  local paces = redis.call('HGETALL', PACE)
  for i = 2, #paces, 2 do
    local rtt_ms, until_ms = paces[i]:match('^(%d+):(%d+)$')
    if rtt_ms and tonumber(until_ms) > NOW_MS then slowest = math.max(slowest, tonumber(rtt_ms)) end
  end
  return slowest > 0 and math.min(slowest / 1000 + BEGIN_S, MOST_LEAD_S) or 0
end

-- Somebody moved the room: an end that was seen before is to be seen again. Only an end that nobody knows is asked for.
local function forget_ends()
  if get('duration') == '' and #get('finished') > #'{}' then set('finished', '{}') end
end

-- FROM: where the room was before, for the log and for undoing.
local function playback_event(kind, pos, by, starts_at, from)
  return emit('"type":"' .. kind .. '","timestamp":' .. seconds(pos) .. ',"by":' .. quoted(by)
    .. ',"starts_at":' .. seconds(starts_at or NOW) .. ',"from":' .. seconds(from or pos))
end

-- A live stream's positions are dates of pictures, Unix seconds. What it offers is what a player said last: how far
-- its end is behind the room's clock, how long its window is, and its longest segment. Without that no date is known.
local FIRST_BEHIND_S, BEHIND_SEGMENTS = 12, 3

local function is_live() return get('live') == '1' end

local function live_window()
  local lag = tonumber(get('live_lag'))
  if not lag then return nil end
  local last = NOW - lag
  return {first = last - tonumber(get('live_span')), last = last, segment = tonumber(get('live_segment'))}
end

-- Where everybody has pictures: what comes last is not there for everybody at once.
local function at_edge(window)
  if not window then return NOW - FIRST_BEHIND_S end
  return math.max(window.first, window.last - BEHIND_SEGMENTS * window.segment)
end

-- The nearest date that the stream still, or already, offers.
local function offered(date, window)
  return math.max(window.first, math.min(date, window.last - window.segment))
end

-- Where its link says to begin, if that is not the beginning.
local function first_position() return is_live() and at_edge(live_window()) or tonumber(get('begin')) or 0 end

local function make_room(unlisted)
  set('v', '1', 'created_at', seconds(NOW), 'owner', ACTOR, 'item', '', 'video', '', 'duration', '', 'rate', '1',
    'settings', '{}', 'unlisted', unlisted)
  anchor(0, false)
end

-- With nobody present a room stands still where it was when the last of them was seen.
local function stand_still()
  if not is_playing() then return end
  local seen = math.max(tonumber(get('alive_at')) or NOW, tonumber(get('at')) or 0)
  local pos = position(math.min(NOW, seen))
  anchor(pos, false)
  playback_event('pause', pos, '')
end

-- Who has not been removed by `reap` is present: after an outage of Redis leases are over that nobody could renew.
local function anyone_present() return redis.call('ZCARD', PRESENCE) > 0 end

-- Up to when leases may be judged: UNTIL_MS ('' is now) is older when nobody could renew one since.
local function judged_ms(until_ms) return math.min(NOW_MS, tonumber(until_ms) or NOW_MS) end

-- An empty table is an object to cjson; these fields are lists.
local LISTS = {'votes', 'lenders', 'attempts'}
local function item_json(found)
  for _, name in ipairs(LISTS) do found[name] = found[name] or {} end
  local raw = cjson.encode(found)
  -- Of all in an item only these can follow a quote and a colon: in a text the quote is escaped.
  for _, name in ipairs(LISTS) do raw = raw:gsub('"' .. name .. '":{}', '"' .. name .. '":[]') end
  return raw
end

-- The actor's cookies may serve an item, before those of others, or may no longer.
local function set_lender(found, is_lent)
  local lenders = is_lent and {ACTOR} or {}
  for _, member in ipairs(found.lenders or {}) do
    if member ~= ACTOR then lenders[#lenders + 1] = member end
  end
  found.lenders = lenders
end

local function lends(found, member)
  for _, lender in ipairs(found.lenders or {}) do
    if lender == member then return true end
  end
  return false
end

local function item(id)
  local raw = redis.call('HGET', ITEMS, id)
  return raw and cjson.decode(raw) or nil
end

local function queue_event(change)
  set('queue_rev', int(NOW_MS))
  return emit('"type":"queue_update","by":' .. quoted(ACTOR) .. ',' .. change)
end

local function video_event(video, id, playing)
  return emit('"type":"set_video","by":' .. quoted(ACTOR) .. ',"item_id":' .. (id == '' and 'null' or quoted(id))
    .. ',"is_playing":' .. flag(playing) .. ',"timestamp":' .. seconds(tonumber(get('pos')) or 0)
    .. ',"starts_at":' .. seconds(NOW)
    .. ',"video":' .. (video == '' and 'null' or video))
end

-- Make an item the current one; it plays when its video is known and somebody is there. '' empties the stage.
local function set_current(id)
  set('item', id, 'video', '', 'duration', '', 'begin', '', 'autoplay', id == '' and '0' or '1', 'live', '',
    'live_lag', '', 'finished', '{}')
  anchor(0, false)
  local at = video_event('', id, false)
  set('set_version', int(at))
  return at
end

local function drop_item(id)
  local raw = redis.call('HGET', ITEMS, id) or 'null'
  local index = redis.call('LPOS', QUEUE, id) or 0
  redis.call('LREM', QUEUE, 0, id)
  redis.call('HDEL', ITEMS, id)
  return queue_event('"op":"remove","item_id":' .. quoted(id) .. ',"index":' .. int(index) .. ',"item":' .. raw)
end

local function order_event()
  return queue_event('"op":"order","order":' .. cjson.encode(redis.call('LRANGE', QUEUE, 0, -1)))
end

-- Put an item that is not in the queue behind another, '' is the front, or at the end.
local function place(id, after)
  if after == '' then
    redis.call('LPUSH', QUEUE, id)
  elseif after == 'end' or redis.call('LINSERT', QUEUE, 'AFTER', after, id) < 1 then
    redis.call('RPUSH', QUEUE, id)
  end
end

local function member_json(member, found)
  return '{"name":' .. quoted(found.name) .. ',"is_guest":' .. flag(found.is_guest) .. ',"joined_at":'
    .. seconds(found.joined_at) .. ',"role":"' .. role_of(member) .. '"}'
end

-- Write a member as their role is now, and tell it.
local function member_event(member, kind)
  local raw = redis.call('HGET', MEMBERS, member)
  if not raw then return version() end
  local updated = member_json(member, cjson.decode(raw))
  redis.call('HSET', MEMBERS, member, updated)
  return emit('"type":"' .. (kind or 'member_updated') .. '","email":' .. quoted(member) .. ',"member":' .. updated)
end

-- Somebody who is here must be able to run the room: the moderator, else the member, who has been here longest.
local function succeed()
  local owner, acting = get('owner'), get('acting')
  if redis.call('HEXISTS', MEMBERS, owner) == 1 then return end
  if acting ~= '' and redis.call('HEXISTS', MEMBERS, acting) == 1 then return end
  set('acting', '')
  local best, best_rank, best_since
  local members = redis.call('HGETALL', MEMBERS)
  for i = 1, #members, 2 do
    local rank, since = RANK[role_of(members[i])], cjson.decode(members[i + 1]).joined_at
    if rank > RANK.viewer and (not best or rank > best_rank or (rank == best_rank and since < best_since)) then
      best, best_rank, best_since = members[i], rank, since
    end
  end
  if best then
    set('acting', best)
    member_event(best)
  end
end

local function name_of(member)
  local raw = redis.call('HGET', MEMBERS, member)
  return raw and cjson.decode(raw).name or ''
end

-- Remove a member and all of their connections, and tell it. REASON: left, kicked or banned.
local function send_out(member, reason)
  local name = name_of(member)
  if redis.call('HDEL', MEMBERS, member) == 0 then return version() end
  local connections = redis.call('HGETALL', CONNECTIONS)
  for i = 1, #connections, 2 do
    if cjson.decode(connections[i + 1]).member == member then
      redis.call('HDEL', CONNECTIONS, connections[i])
      redis.call('ZREM', PRESENCE, connections[i])
    end
  end
  return emit('"type":"member_left","email":' .. quoted(member) .. ',"reason":"' .. reason .. '","by":' .. quoted(ACTOR)
    .. ',"name":' .. quoted(name))
end

-- Bans: a hash of members and of addresses. Each entry names the bans it belongs to, by ids that say nothing of anybody.
local BANNED_ADDRESS = 'address:'

-- SECRET is for one call and never told: who knows an id can not try out whom it may be about.
local function ban_id(secret, text) return redis.sha1hex(secret .. '|' .. text):sub(1, 12) end

local function without(list, value)
  local left = {}
  for _, each in ipairs(list) do
    if each ~= value then left[#left + 1] = each end
  end
  return left
end

-- Older versions wrote who banned and when, in the very same words into each entry of a ban, and no ids.
local function adopt_bans(secret)
  local fields = redis.call('HGETALL', BANS)
  for i = 1, #fields, 2 do
    if not fields[i + 1]:find('"bans":[', 1, true) then
      local note = cjson.decode(fields[i + 1])
      note.bans = {ban_id(secret, note.by .. '|' .. note.at)}
      redis.call('HSET', BANS, fields[i], cjson.encode(note))
    end
  end
end

-- Why the actor may not see and lift bans; nil if they may. Who was sent out keeps their role, and no say.
local function not_at_door()
  if ACTOR == '' then return nil end
  if redis.call('HEXISTS', MEMBERS, ACTOR) == 0 then return 'not_a_member' end
  return RANK[role_of(ACTOR)] < RANK.moderator and 'forbidden' or nil
end

-- Whether the actor, who is at the door, may lift a member's ban: if they may ban them. '' is an address alone.
local function may_lift(member) return ACTOR == '' or member == '' or outranks(member) end

local function play_next()
  return set_current(redis.call('LINDEX', QUEUE, 0) or '')
end
