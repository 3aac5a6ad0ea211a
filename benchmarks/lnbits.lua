-- wrk: LNbits is asked to take in or to pay an invoice. A line of the file is a wallet's key, a tab, a body; in turn.
dofile(os.getenv("BENCH_FOLDER") .. "/told.lua")
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
