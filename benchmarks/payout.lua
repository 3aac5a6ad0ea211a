-- wrk: one payout a request, as create.lua makes payins; each to a card of its own, with its check digit.
dofile(os.getenv("BENCH_FOLDER") .. "/told.lua")
local n, run = 0, os.getenv("BENCH_RUN")
local create = creates("payouts", run)
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
  return create(n, body)
end
