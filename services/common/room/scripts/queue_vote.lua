-- Vote for an item that waits, or take the vote back. Items with more votes come first; others keep their order.
-- ARGV: 6 item id
local seen = replayed()
if seen then return {'ok', seen} end
if not may('chat') then return refused('forbidden') end
local voted = item(ARGV[6])
if not voted then return refused('no_such_item') end
local votes, had = {}, false
for _, member in ipairs(voted.votes or {}) do
  if member == ACTOR then had = true else votes[#votes + 1] = member end
end
if not had then votes[#votes + 1] = ACTOR end
voted.votes = votes
local raw = item_json(voted)
redis.call('HSET', ITEMS, ARGV[6], raw)
local at = queue_event('"op":"item","item":' .. raw)

local current = get('item')
local order, weight = redis.call('LRANGE', QUEUE, 0, -1), {}
for place, id in ipairs(order) do
  local found = item(id)
  weight[id] = {votes = id == current and math.huge or #((found or {}).votes or {}), place = place}
end
table.sort(order, function(a, b)
  if weight[a].votes ~= weight[b].votes then return weight[a].votes > weight[b].votes end
  return weight[a].place < weight[b].place
end)
redis.call('DEL', QUEUE)
for _, id in ipairs(order) do redis.call('RPUSH', QUEUE, id) end
return applied(order_event())
