-- wrk: requests that were put together and signed beforehand, one after the other, each once.
local requests, n = {}, 0
for request in io.open(os.getenv("BENCH_TOKENS")):read("*a"):gmatch("[^%z]+") do requests[#requests + 1] = request end

-- beyond the last one: a 404, so that the round is thrown away rather than made of replays
local none_left = "GET /gateway/v1/none-left HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

request = function()
  n = n + 1
  return requests[n] or none_left
end

response = nil  -- as in create.lua

done = function(summary, latency)
  io.stderr:write(string.format('{"requests": %d, "duration_us": %d, "not_2xx": %d, "broken": %d, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
