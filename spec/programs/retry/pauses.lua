--- The pauses of rt.retry, as rt.sleep is told them: rt.core.sleep is replaced before rt is loaded.
local core = require("rt.core")
local pauses = {}
function core.sleep(seconds) -- luacheck: ignore
  pauses[#pauses + 1] = seconds
end
local rt = require("rt")

local function pauses_of(options)
  pauses = {}
  pcall(rt.retry, options, error)
  return pauses
end

local exact = pauses_of { tries = 14, backoff = 0.5, jitter = false }
assert(#exact == 13)
for n, seconds in ipairs(exact) do
  assert(seconds == math.min(0.5 * 2 ^ (n - 1), 60), seconds)
end
assert(pauses_of({ jitter = false })[1] == 0.1)
assert(#pauses_of { tries = 1 } == 0 and #pauses_of {} == 2)

local function spread(jitter)
  local least, most = math.huge, 0
  local options = {
    tries = 2001,
    jitter = jitter,
    backoff = function()
      return 8
    end,
  }
  for _, seconds in ipairs(pauses_of(options)) do
    least, most = math.min(least, seconds), math.max(most, seconds)
  end
  return least, most
end

for _, jitter in ipairs { true, 1 } do
  local least, most = spread(jitter)
  assert(least >= 0 and least < 0.1 and most > 7.9 and most <= 8)
end
local least, most = spread(0.25)
assert(least > 6 and least < 6.1 and most > 7.9 and most <= 8)
print("right")
