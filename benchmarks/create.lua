-- wrk: one payin a request, each with an idempotency key and an external id of its own, over many stores' keys.
-- The request is put together by hand: wrk.format would cost the machine more than sending it.
local tokens, n = {}, 0
local run = os.getenv("BENCH_RUN")
for line in io.lines(os.getenv("BENCH_TOKENS")) do tokens[#tokens + 1] = line end

request = function()
  n = n + 1
  local body = '{"external_id":"b-' .. run .. "-" .. n .. '","amount":"' .. 500 + n % 4000 .. '.00","currency":"RUB",' ..
    '"method":"card","customer":{"id":"c-' .. n % 5000 .. '"},"description":"Two books",' ..
    '"return_url":"https://shop.example/thanks","metadata":{"cart":"' .. n .. '"}}'
  return "POST /gateway/v1/payins HTTP/1.1\r\nHost: 127.0.0.1:" .. wrk.port .. "\r\nAuthorization: Bearer " ..
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
