--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- Time: sleeps, intervals, timeouts that pass and that do not.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local start, woken, tasks = rt.now(), 0, {}
for i = 1, 20 do
  tasks[i] = rt.spawn_local(function()
    rt.sleep(i % 2 / 1000)
    woken = woken + 1
  end)
end
for i = 1, 20 do
  tasks[i]:join()
end
right(woken == 20 and rt.now() - start >= 0.001, "sleeps")

local ticks = 0
for tick in rt.interval(0.001) do
  ticks = ticks + 1
  right(tick == ticks, "a tick")
  if tick == 3 then
    break
  end
end

local none, why = rt.timeout(0.001, function()
  rt.sleep(60)
end)
right(none == nil and why == "timeout", "a timeout that passes")
local a, b = rt.timeout(60, function(...)
  rt.yield()
  return ...
end, 1, 2)
right(a == 1 and b == 2, "one that does not")
none, why = rt.timeout(60, function()
  local inner = table.pack(rt.timeout(0.001, rt.sleep, 60))
  right(inner[2] == "timeout", "the inner one")
  return "outer"
end)
right(none == "outer" and why == nil, "of two the one that passed")
local log = 0
none, why = rt.timeout(0.001, function()
  local guard <close> = setmetatable({}, {
    __close = function()
      log = log + 1
    end,
  })
  rt.timeout(60, rt.sleep, 60)
  return guard
end)
right(none == nil and why == "timeout" and log == 1, "the outer one unwinds the inner")
local ok, err = pcall(rt.timeout, 1, error, "own", 0)
right(not ok and type(err) == "string", "an error inside")
if err ~= "own" then
  error(err, 0)
end
return true
