-- The entries of a playlist follow the item that named it, at the queue's end; those that are there already stay.
-- ARGV: 6 id of that item, 7 most items, then id and item JSON of each entry
-- Answers {'ok', version}, or {'refused', 'no_such_item'} when that item was removed meanwhile, 'not_lent' when the
-- cookies that opened the list may not serve it (any more).
local named = item(ARGV[6])
if not named then return refused('no_such_item') end
local lender = ARGV[9] and cjson.decode(ARGV[9]).opened_with or ''
if lender ~= '' and not lends(named, lender) then return refused('not_lent') end
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
