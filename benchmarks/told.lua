-- For each of the wrk scripts here: what a round came to, as one line of JSON, and a create of the gateway's as its bytes.
response = nil  -- wrk would parse every answer for us; statuses are counted by wrk itself

done = function(summary, latency)
  io.stderr:write(string.format('{"requests": %d, "duration_us": %d, "not_2xx": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end

-- `creates(what)`: the n-th create of "payins" or "payouts" as a function of n and its body, over many stores' keys.
-- Put together by hand: wrk.format would cost the machine more than sending it.
function creates(what, run)
  local tokens = {}
  for line in io.lines(os.getenv("BENCH_TOKENS")) do tokens[#tokens + 1] = line end
  return function(n, body)
    return "POST /gateway/v1/" .. what .. " HTTP/1.1\r\nHost: 127.0.0.1:" .. wrk.port .. "\r\nAuthorization: Bearer " ..
      tokens[n % #tokens + 1] .. "\r\nIdempotency-Key: bench-" .. run .. "-" .. n ..
      "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
  end
end
