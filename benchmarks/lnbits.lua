-- wrk: LNbits is asked to take in or to pay an invoice. A line of the file is a wallet's key, a tab, a body; in turn.
local lines, n = {}, 0
for line in io.lines(os.getenv("BENCH_TOKENS")) do
  local key, body = line:match("^(%S+)\t(.*)$")
  lines[#lines + 1] = "Host: 127.0.0.1:" .. wrk.port .. "\r\nX-Api-Key: " .. key ..
    "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

request = function()
  n = n + 1
  return "POST /api/v1/payments HTTP/1.1\r\n" .. lines[(n - 1) % #lines + 1]
end

done = function(summary, latency)
  io.stderr:write(string.format('{"requests": %d, "duration_us": %d, "not_2xx": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
