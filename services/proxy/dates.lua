-- Dates of the segments of a live playlist that has none: the first replica to see a segment dates it for all.
-- KEYS: 1 the stream's dates, which its variants share as long as they count alike, 2 this playlist's own
-- ARGV: 1 ms to keep, 2 target duration in ms, 3 may begin (0|1), 4 number of the first segment, 5 index (from 0) of a
--       segment whose date the caller knows, or -1, 6 that date in ms, from 7 on durations in ms
-- Answers the dates in ms, or nothing where none can be told.
local TIME = redis.call('TIME')
local NOW_MS = tonumber(TIME[1]) * 1000 + math.floor(tonumber(TIME[2]) / 1000)
local KEEP_MS, TARGET_MS, MAY_BEGIN = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local FIRST, KNOWN_AT, KNOWN_MS = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local COUNT = #ARGV - 6
local HISTORY_MS = 3600 * 1000

local function number(i) return string.format('%.0f', FIRST + i) end
local function duration(i) return tonumber(ARGV[7 + i]) end

-- Durations that are rounded make dates run away from the clock: new ones are moved back to it, too little to notice.
local function moved(at_ms, length_ms)
  local off = NOW_MS - (at_ms + length_ms)
  if math.abs(off) < 1.5 * TARGET_MS or math.abs(off) > 5 * TARGET_MS then return at_ms end
  return at_ms + math.floor((off > 0 and 0.02 or -0.02) * length_ms)
end

local function chain(key, is_shared)
  local dates, from = {}, nil
  for i = 0, COUNT - 1 do
    dates[i] = tonumber(redis.call('ZSCORE', key, number(i)) or nil)
    if dates[i] and not from then from = i end
  end
  if not from and KNOWN_AT >= 0 then from, dates[KNOWN_AT] = KNOWN_AT, KNOWN_MS end
  if not from then
    if not MAY_BEGIN then return nil end
    local length = 0
    for i = 0, COUNT - 1 do length = length + duration(i) end
    from, dates[0] = 0, NOW_MS - length
  end
  for i = from - 1, 0, -1 do dates[i] = dates[i + 1] - duration(i) end
  for i = from + 1, COUNT - 1 do
    local follows = dates[i - 1] + duration(i - 1)
    -- Another variant that counts otherwise has other lengths between the same numbers.
    if is_shared and dates[i] and math.abs(dates[i] - follows) > 0.2 * TARGET_MS then return nil end
    dates[i] = dates[i] or moved(follows, duration(i))
  end
  local last = dates[COUNT - 1]
  local newest = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  if is_shared and newest[1] then
    -- Numbers that run ahead of the clock, or far behind those of the other variants, are others.
    local is_behind = FIRST + COUNT - 1 <= tonumber(newest[1]) and tonumber(newest[2]) - last > 3 * TARGET_MS
    if is_behind or last > NOW_MS + 3 * TARGET_MS then return nil end
  end
  return dates
end

local key = KEYS[1]
local dates
if redis.call('EXISTS', KEYS[2]) == 0 then dates = chain(KEYS[1], KEYS[1] ~= KEYS[2]) end
if not dates then
  key = KEYS[2]
  dates = chain(key, false)
end
if not dates then return {} end
local answer = {}
for i = 0, COUNT - 1 do
  redis.call('ZADD', key, 'NX', dates[i], number(i))
  answer[i + 1] = string.format('%.0f', dates[i])
end
redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. string.format('%.0f', dates[0] - HISTORY_MS))
redis.call('PEXPIRE', key, KEEP_MS)
return answer
