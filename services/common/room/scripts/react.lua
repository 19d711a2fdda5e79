-- Show everybody an emoji. It changes nothing, so it has no version.
-- ARGV: 6 emoji
if not may('chat') then return refused('forbidden') end
redis.call('PUBLISH', CHANNEL, '{"type":"reaction","by":' .. quoted(ACTOR) .. ',"emoji":' .. quoted(ARGV[6]) .. '}')
return {'ok', int(version())}
