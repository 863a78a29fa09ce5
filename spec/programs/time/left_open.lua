--- Timeouts that coroutines were left in, by a yield that rt does not know (it was taken before rt was
--- loaded).
local yield = coroutine.yield
local rt = require("rt")

local function open(seconds)
  local g = coroutine.wrap(function()
    rt.timeout(seconds, yield)
    return "end"
  end)
  g()
  return g
end

local function check()
  for _ = 1, 100 do
    open(60)
  end
  collectgarbage()
  collectgarbage()
  local g = open(60)
  local x, y = rt.timeout(60, function()
    return g(), rt.timeout(0.01, rt.sleep, 60)
  end)
  rt.sleep(0.01)
  return x, y
end

local g
rt.spawn_local(function()
  g = open(60)
end):join() -- its task has ended
print(g())
print(check())
print(rt.spawn_local(check):join())
