-- wrk: requests that were put together and signed beforehand, one after the other, each once.
dofile(os.getenv("BENCH_FOLDER") .. "/told.lua")
local requests, n = {}, 0
for request in io.open(os.getenv("BENCH_TOKENS")):read("*a"):gmatch("[^%z]+") do requests[#requests + 1] = request end

-- beyond the last one: a 404, so that the round is thrown away rather than made of replays
local none_left = "GET /gateway/v1/none-left HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

request = function()
  n = n + 1
  return requests[n] or none_left
end
