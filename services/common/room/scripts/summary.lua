-- What the list of rooms says of this one.
-- Answers {'ok', unlisted (0|1), plays (0|1), last active in Unix seconds, settings' JSON, current item's JSON or '',
-- members' JSON...}, or {'refused', 'no_such_room'}
if redis.call('EXISTS', ROOM) == 0 then return refused('no_such_room') end
local current = redis.call('HGET', ITEMS, get('item')) or ''
local answer = {'ok', get('unlisted'), get('playing'), get('active_at'), get('settings'), current}
for _, raw in ipairs(redis.call('HVALS', MEMBERS)) do answer[#answer + 1] = raw end
return answer
