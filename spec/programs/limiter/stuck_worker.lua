--- The task that waits first is of the main state, which then computes; the tasks of the pool behind it
--- get their tokens meanwhile.
local rt = require("rt")
local spin = require("spin")
local wait = require("wait")

local limiter, got = rt.limiter { rate = 5 }, rt.dict()
limiter:acquire()
local first = rt.spawn_local(limiter.acquire, limiter)
rt.yield()
for _ = 1, 3 do
  rt.spawn(function()
    limiter:acquire()
    got:incr("n")
  end)
end
wait.until_true(function()
  return tostring(limiter):find("4 waiting") or got:get("n")
end, "four that wait")
local deadline = rt.now() + 60
while (got:get("n") or 0) < 3 and rt.now() < deadline do
  spin.once() -- no task of this state runs meanwhile, and no timer
end
assert(got:get("n") == 3, "a stuck worker keeps the others waiting")
first:join()
print("right")
