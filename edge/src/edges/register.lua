-- Renews one edge's entry and reads those of all whose lease has not ended, by this server's clock, in one step.
-- KEYS[1] the hash of edges: id -> "end of the lease in Unix milliseconds, blank, sealed entry".
-- ARGV[1] the id; ARGV[2] its sealed entry, empty to take it away; ARGV[3] the lease in ms; ARGV[4] the most entries.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local lease = tonumber(ARGV[3])
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', now + lease, ARGV[2]))
  redis.call('PEXPIRE', KEYS[1], lease)
end
local live = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local ends, entry = string.match(all[i + 1], '^(%d+) (.*)$')
  if ends == nil or tonumber(ends) <= now then
    redis.call('HDEL', KEYS[1], all[i])
  elseif #live < tonumber(ARGV[4]) then
    live[#live + 1] = entry
  end
end
return live
