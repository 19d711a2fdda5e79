-- Stands before every room script. One room's keys only, all under one hash tag.
-- KEYS: 1 room, 2 queue, 3 items, 4 members, 5 connections, 6 presence, 7 done, 8 log, 9 bans
-- ARGV: 1 events channel, 2 run, 3 actor (member id; '' is the room itself), 4 command id ('' is none),
--       5 the actor's connection ('' is none); a script's own arguments start at 6
local ROOM, QUEUE, ITEMS, MEMBERS, CONNECTIONS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local PRESENCE, DONE, LOG, BANS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local CHANNEL, RUN, ACTOR, COMMAND, CONNECTION = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local ROOM_TTL_MS = 30 * 24 * 3600 * 1000
local LOG_TTL_MS = 10 * 60 * 1000
local LOG_LENGTH = 256
local REPLAY_MS = 2 * 60 * 1000

local TIME = redis.call('TIME')
local NOW = tonumber(TIME[1]) + tonumber(TIME[2]) / 1e6
local NOW_MS = tonumber(TIME[1]) * 1000 + math.floor(tonumber(TIME[2]) / 1000)

-- Lua's own number formatting would write 1.7e+12.
local function int(value) return string.format('%.0f', value) end
local function seconds(value) return string.format('%.6f', value) end
local quoted = cjson.encode
local function flag(value) return value and 'true' or 'false' end

local function get(field) return redis.call('HGET', ROOM, field) or '' end
local function set(...) redis.call('HSET', ROOM, ...) end
local function version() return tonumber(get('version')) or 0 end

local function keep()
  set('active_at', seconds(NOW))
  for _, key in ipairs({ROOM, QUEUE, ITEMS, MEMBERS, CONNECTIONS, PRESENCE, BANS}) do
    redis.call('PEXPIRE', key, ROOM_TTL_MS)
  end
end

-- Versions never run backwards, also not after a fail-over that lost some: time is the floor.
-- BODY: the event's JSON from its first own field on, without braces. Answers its version.
local function emit(body)
  local prev = version()
  local next = math.max(prev + 1, NOW_MS)
  local event = '{"version":' .. int(next) .. ',"prev":' .. int(prev) .. ',"run":' .. quoted(RUN)
    .. ',"server_time":' .. seconds(NOW) .. ',' .. body .. '}'
  set('version', int(next))
  redis.call('XADD', LOG, 'MAXLEN', '~', LOG_LENGTH, int(next) .. '-0', 'e', event)
  redis.call('PEXPIRE', LOG, LOG_TTL_MS)
  redis.call('PUBLISH', CHANNEL, event)
  return next
end

local function refused(code) return {'refused', code} end

-- The version a repeated command was answered with, or nil. DONE's scores are versions, which are also times.
local function replayed()
  if COMMAND == '' then return nil end
  return redis.call('ZSCORE', DONE, ACTOR .. '|' .. COMMAND)
end

local function applied(at)
  if COMMAND ~= '' then
    redis.call('ZADD', DONE, int(at), ACTOR .. '|' .. COMMAND)
    redis.call('ZREMRANGEBYSCORE', DONE, '-inf', '(' .. int(NOW_MS - REPLAY_MS))
    redis.call('PEXPIRE', DONE, REPLAY_MS)
  end
  keep()
  return {'ok', int(at)}
end

local function is_playing() return get('playing') == '1' end

-- Where the room is at `time` (seconds on the room clock), never beyond a known end.
local function position(time)
  local at = tonumber(get('pos')) or 0
  if is_playing() then
    at = at + (tonumber(get('rate')) or 1) * math.max(0, time - (tonumber(get('at')) or time))
  end
  local duration = tonumber(get('duration'))
  if duration and duration > 0 then at = math.min(at, duration) end
  return at
end

local function anchor(pos, playing, time)
  set('pos', seconds(pos), 'at', seconds(time or NOW), 'playing', playing and '1' or '0')
end

local function playback_event(kind, pos, by)
  return emit('"type":"' .. kind .. '","timestamp":' .. seconds(pos) .. ',"by":' .. quoted(by)
    .. ',"starts_at":' .. seconds(NOW))
end

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

local function anyone_present() return redis.call('ZCOUNT', PRESENCE, NOW_MS, '+inf') > 0 end

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
    .. ',"is_playing":' .. flag(playing) .. ',"timestamp":0,"starts_at":' .. seconds(NOW)
    .. ',"video":' .. (video == '' and 'null' or video))
end

-- Make an item the current one; it plays when its video is known and somebody is there. '' empties the stage.
local function set_current(id)
  set('item', id, 'video', '', 'duration', '', 'autoplay', id == '' and '0' or '1')
  anchor(0, false)
  local at = video_event('', id, false)
  set('set_version', int(at))
  return at
end

local function drop_item(id)
  redis.call('LREM', QUEUE, 0, id)
  redis.call('HDEL', ITEMS, id)
  return queue_event('"op":"remove","item_id":' .. quoted(id))
end

local function play_next()
  return set_current(redis.call('LINDEX', QUEUE, 0) or '')
end
