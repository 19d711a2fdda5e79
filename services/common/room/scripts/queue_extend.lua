-- The entries of a playlist follow the item that named it, at the queue's end; those that are there already stay.
-- ARGV: 6 id of that item, 7 most items, then id and item JSON of each entry
-- Answers {'ok', version}, or {'refused', 'no_such_item'} when that item was removed meanwhile.
if not item(ARGV[6]) then return refused('no_such_item') end
local room_for, added = tonumber(ARGV[7]) - redis.call('HLEN', ITEMS), {}
for index = 8, #ARGV, 2 do
  if #added < room_for and redis.call('HSETNX', ITEMS, ARGV[index], ARGV[index + 1]) == 1 then
    redis.call('RPUSH', QUEUE, ARGV[index])
    added[#added + 1] = ARGV[index + 1]
  end
end
if #added == 0 then return {'ok', int(version())} end
local at = queue_event('"op":"extend","items":[' .. table.concat(added, ',') .. ']')
keep()
return {'ok', int(at)}
