-- Give the queue a new order. The current item stays first; unknown ids are skipped, unnamed items keep the end.
-- ARGV: from 6 on the item ids
local seen = replayed()
if seen then return {'ok', seen} end
if not may('queue') then return refused('forbidden') end
local present, order, placed = {}, {}, {}
local before = redis.call('LRANGE', QUEUE, 0, -1)
for _, id in ipairs(before) do present[id] = true end
local function place(id)
  if present[id] and not placed[id] then
    placed[id] = true
    order[#order + 1] = id
  end
end
place(get('item'))
for i = 6, #ARGV do place(ARGV[i]) end
for _, id in ipairs(before) do place(id) end
if #order == 0 then return applied(version()) end
redis.call('DEL', QUEUE)
for _, id in ipairs(order) do redis.call('RPUSH', QUEUE, id) end
return applied(order_event())
