-- Remove every item but the current one.
local seen = replayed()
if seen then return {'ok', seen} end
if not may('queue') then return refused('forbidden') end
local current, at = get('item'), version()
for _, id in ipairs(redis.call('LRANGE', QUEUE, 0, -1)) do
  if id ~= current then at = drop_item(id) end
end
return applied(at)
