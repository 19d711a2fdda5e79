-- Say something to everybody; the last 200 messages are kept for those who come later.
-- ARGV: 6 message id, 7 text
local seen = replayed()
if seen then return {'ok', seen} end
if not may('chat') then return refused('forbidden') end
local raw = redis.call('HGET', MEMBERS, ACTOR)
if not raw then return refused('not_a_member') end
local message = '{"id":' .. quoted(ARGV[6]) .. ',"by":' .. quoted(ACTOR) .. ',"name":' .. quoted(cjson.decode(raw).name)
  .. ',"text":' .. quoted(ARGV[7]) .. ',"at":' .. seconds(NOW) .. '}'
redis.call('XADD', CHAT, 'MAXLEN', 200, '*', 'm', message)
return applied(emit('"type":"chat","message":' .. message))
