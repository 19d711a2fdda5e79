-- Change some settings.
-- ARGV: 6 JSON of what changes (buffering, tight_sync, is_locked, permissions), 7 unlisted (0|1|''), 8 password hash,
--       '-' removes it, '' leaves it
-- Answers {'ok', version}; the event carries all settings.
local seen = replayed()
if seen then return {'ok', seen} end
if not may('settings') then return refused('forbidden') end
local known, change = settings(), cjson.decode(ARGV[6])
for name, value in pairs(change) do
  if name == 'permissions' then
    known.permissions = known.permissions or {}
    for permission, role in pairs(value) do
      -- Nobody may give or take what is above themselves.
      if RANK[role] > RANK[role_of(ACTOR)] then return refused('forbidden') end
      known.permissions[permission] = role
    end
  else
    known[name] = value
  end
end
if ARGV[7] ~= '' then
  set('unlisted', ARGV[7])
end
if ARGV[8] ~= '' then
  set('password', ARGV[8] == '-' and '' or ARGV[8])
  redis.call('DEL', GRANTED)
end
known.is_unlisted = get('unlisted') == '1'
known.has_password = get('password') ~= ''
if known.permissions and not next(known.permissions) then known.permissions = nil end
local raw = next(known) and cjson.encode(known) or '{}'
set('settings', raw)
return applied(emit('"type":"settings","by":' .. quoted(ACTOR) .. ',"settings":' .. raw))
