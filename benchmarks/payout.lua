-- wrk: one payout a request, as create.lua makes payins; each to a card of its own, with its check digit.
local tokens, n = {}, 0
local run = os.getenv("BENCH_RUN")
for line in io.lines(os.getenv("BENCH_TOKENS")) do tokens[#tokens + 1] = line end
local seed = tonumber(run:sub(1, 7), 16) % 1000000

local function card(number)
  local stem, sum = string.format("42000%06d%04d", (seed + math.floor(number / 10000)) % 1000000, number % 10000), 0
  for at = 1, 15 do
    local digit = stem:byte(at) - 48
    if at % 2 == 1 then digit = digit * 2 end
    if digit > 9 then digit = digit - 9 end
    sum = sum + digit
  end
  return stem .. (10 - sum % 10) % 10
end

request = function()
  n = n + 1
  local body = '{"external_id":"o-' .. run .. "-" .. n .. '","amount":"' .. 500 + n % 4000 .. '.00","currency":"RUB",' ..
    '"destination":{"method":"card","number":"' .. card(n) .. '","holder":"I PETROV"},"customer":{"id":"c-' .. n % 5000 ..
    '"},"description":"Two books","metadata":{"cart":"' .. n .. '"}}'
  return "POST /gateway/v1/payouts HTTP/1.1\r\nHost: 127.0.0.1:" .. wrk.port .. "\r\nAuthorization: Bearer " ..
    tokens[n % #tokens + 1] .. "\r\nIdempotency-Key: bench-" .. run .. "-" .. n ..
    "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

response = nil  -- wrk would parse every answer for us; statuses are counted by wrk itself

done = function(summary, latency)
  io.stderr:write(string.format('{"requests": %d, "duration_us": %d, "not_2xx": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
