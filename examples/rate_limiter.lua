-- A rate limiter that all workers share: each caller has a number of calls for each window of time.
-- One atomic `incr` decides; the counter of a window that is over expires by itself.
-- Run: build/lua5.4/rt-lua examples/rate_limiter.lua
local rt = require("rt")

local limiter = { most = 100, window = 0.5, counts = rt.dict { max_entries = 100000 } }

--- Returns whether this call is allowed, and in how many seconds the next window begins.
local function allow(limits, caller)
  local window = rt.now() // limits.window
  local key = ("%s %d"):format(caller, window)
  local count, why = limits.counts:incr(key)
  if count == 1 then
    limits.counts:expire(key, 2 * limits.window)
  end
  if not count then
    error("the limiter is " .. why) -- there are more callers than max_entries
  end
  return count <= limits.most, (window + 1) * limits.window - rt.now()
end

--- Asks n times. Returns how often it was allowed, and the seconds to the next window.
local function ask(limits, caller, n)
  local allowed, wait = 0, 0
  for _ = 1, n do
    local ok, seconds = allow(limits, caller)
    allowed, wait = allowed + (ok and 1 or 0), seconds
  end
  return allowed, wait
end

--- Two callers, each with four tasks on all cores that ask at the same time.
local function rush()
  local tasks, sums, wait = {}, { alice = 0, bob = 0 }, 0
  for i = 1, 8 do
    local caller = i % 2 == 0 and "alice" or "bob"
    tasks[i] = { caller = caller, task = rt.spawn(ask, limiter, caller, 1000) }
  end
  for _, it in ipairs(tasks) do
    local allowed, seconds = it.task:join()
    sums[it.caller], wait = sums[it.caller] + allowed, seconds
  end
  return sums, wait
end

rt.spawn(ask, limiter, "nobody", 1):join() -- the workers have started
rt.sleep(limiter.window - rt.now() % limiter.window) -- a new window begins
for round = 1, 2 do
  local sums, wait = rush()
  print(("round %d: alice %d, bob %d of 4000 each"):format(round, sums.alice, sums.bob))
  rt.sleep(wait)
end
rt.sleep(2 * limiter.window)
print("counters that are left:", #limiter.counts)

-- expect: round 1: alice 100, bob 100 of 4000 each
-- expect: round 2: alice 100, bob 100 of 4000 each
-- expect: counters that are left:	0
