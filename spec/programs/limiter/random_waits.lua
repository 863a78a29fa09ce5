--- Tasks of all workers wait for tokens, and give up at random. Those that got some have never got more
--- than had come, and in the end no task waits.
local rt = require("rt")
local settled = require("settled")
local _, SCALE = require("workers_prelude")()

local RATE, BURST = 4000, 6
local limiter, taken = rt.limiter { rate = RATE, burst = BURST }, rt.dict()
local began = rt.now()

local function count(n)
  local sum = taken:incr("n", n)
  local most = BURST + (rt.now() - began) * RATE
  assert(sum <= most + 1e-6, sum .. " tokens were taken, of " .. most)
end

local function work(rounds)
  for _ = 1, rounds do
    local n, how = math.random(BURST), math.random(4)
    if how == 1 then
      limiter:acquire(n)
      count(n)
    elseif how == 2 then
      if rt.timeout(math.random() / 200, limiter.acquire, limiter, n) then
        count(n)
      end
    elseif how == 3 then
      local index =
        rt.select(limiter:acquire_op(n), rt.sleep_op(math.random() / 200), limiter:acquire_op(1))
      count(({ n, 0, 1 })[index])
    elseif limiter:try_acquire(n) then
      count(n)
    end
  end
end

rt.scope(function(scope)
  for i = 1, 12 do
    scope[i % 2 == 0 and "spawn" or "spawn_local"](scope, work, 40 * SCALE)
  end
  for _ = 1, 40 * SCALE do
    local task =
      rt[math.random(2) == 1 and "spawn" or "spawn_local"](limiter.acquire, limiter, BURST)
    rt.sleep(math.random() / 1000)
    task:cancel()
    if pcall(task.join, task) then
      count(BURST)
    end
  end
end)
settled()
assert(tostring(limiter):find(", 0 waiting"), tostring(limiter))
limiter:acquire(BURST) -- those that gave up have left nothing behind
print("right")
