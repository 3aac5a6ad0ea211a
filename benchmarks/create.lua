-- wrk: one payin a request, each with an idempotency key and an external id of its own, over many stores' keys.
dofile(os.getenv("BENCH_FOLDER") .. "/told.lua")
local n, run = 0, os.getenv("BENCH_RUN")
local create = creates("payins", run)

request = function()
  n = n + 1
  local body = '{"external_id":"b-' .. run .. "-" .. n .. '","amount":"' .. 500 + n % 4000 .. '.00","currency":"RUB",' ..
    '"method":"card","customer":{"id":"c-' .. n % 5000 .. '"},"description":"Two books",' ..
    '"return_url":"https://shop.example/thanks","metadata":{"cart":"' .. n .. '"}}'
  return create(n, body)
end
