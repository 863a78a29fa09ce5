-- A rate limit that all workers share: each caller may make 100 calls at once, and 200 a second. A
-- call that finds no token is refused, or waits for its turn.
-- Run: build/lua5.4/rt-lua examples/rate_limiter.lua
local rt = require("rt")

local RATE, BURST = 200, 100
local limiters = {}
for _, caller in ipairs { "alice", "bob" } do
  limiters[caller] = rt.limiter { rate = RATE, burst = BURST }
end

--- Makes n calls at once, and returns how many were allowed.
local function rush(caller, n)
  local allowed = 0
  for _ = 1, n do
    allowed = allowed + (limiters[caller]:try_acquire() and 1 or 0)
  end
  return allowed
end

--- Makes n calls, each of which waits for its turn.
local function queue(caller, n)
  for _ = 1, n do
    limiters[caller]:acquire()
  end
  return n
end

--- Two callers, each with four tasks on all cores at the same time. Prints the calls of each.
local function run(title, f, n)
  local began, sums = rt.now(), { alice = 0, bob = 0 }
  rt.scope(function(scope)
    local callers = {}
    for i = 1, 8 do
      local caller = i % 2 == 0 and "alice" or "bob"
      callers[scope:spawn(f, caller, n).id] = caller
    end
    for task in scope.next, scope do
      local caller = callers[task.id]
      sums[caller] = sums[caller] + task:join()
    end
  end)
  local seconds = rt.now() - began
  for _, caller in ipairs { "alice", "bob" } do
    local most = BURST + math.ceil(seconds * RATE)
    print(("%s: %s within the limit: %s"):format(title, caller, sums[caller] <= most))
  end
  return sums
end

local sums = run("rush", rush, 1000)
print("a burst of 100 was allowed:", sums.alice >= BURST and sums.bob >= BURST)
sums = run("queue", queue, 20)
print("calls that had their turn:", sums.alice, sums.bob)

-- expect: rush: alice within the limit: true
-- expect: rush: bob within the limit: true
-- expect: a burst of 100 was allowed:	true
-- expect: queue: alice within the limit: true
-- expect: queue: bob within the limit: true
-- expect: calls that had their turn:	80	80
