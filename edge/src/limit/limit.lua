-- One decision of the generic cell rate algorithm (GCRA) on one key: the theoretical arrival time (TAT) of the next
-- message, in microseconds of this server's clock. The Rust side of it is gcra.rs, which holds the arithmetic's tests.
-- KEYS[1] the counter; ARGV[1] microseconds per message; ARGV[2] microseconds of the whole burst.
-- Answers { 1 or 0, microseconds until the TAT }. Microseconds below zero give a message back that was none.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval = tonumber(ARGV[1])
local burst = tonumber(ARGV[2])
local tat = math.max(tonumber(redis.call('GET', KEYS[1])) or now, now)
local after = tat + interval
if after - burst > now then
  return { 0, tat - now }
end
if after <= now then
  redis.call('DEL', KEYS[1])
  return { 1, 0 }
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return { 1, after - now }
