--- Calls that are timed out or cancelled at random moments: before the task has begun, while it waits
--- or computes, as it ends. When a call is over, so is its task.
local rt = require("rt")
local settled = require("settled")
local _, SCALE = require("workers_prelude")()

local live = rt.dict()

local function work(n)
  local _ <close> = setmetatable({}, {
    __close = function()
      live:incr("n", -1)
    end,
  })
  live:incr("n")
  if n % 3 == 0 then
    rt.sleep(n / 1e5)
  else
    for _ = 1, n * 10 do
      n = n + 1
    end
  end
  return "result"
end

local results, expired, cancelled = 0, 0, 0
for _ = 1, 400 * SCALE do
  local n = math.random(0, 300)
  if n % 2 == 0 then
    local result, why = rt.timeout(math.random() / 500, rt.call, work, n)
    assert(result == "result" or why == "timeout")
    results, expired = results + (result and 1 or 0), expired + (why and 1 or 0)
  else
    local caller = rt.spawn_local(rt.call, work, n)
    rt.sleep(math.random(0, 2) / 1000)
    caller:cancel()
    cancelled = cancelled + (pcall(caller.join, caller) and 0 or 1)
  end
  assert((live:get("n") or 0) == 0, "a task was left behind")
end
assert(results + expired > 0 and cancelled > 0)
settled()
print("right")
