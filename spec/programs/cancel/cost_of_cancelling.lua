--- arg[1]: a number of tasks. Prints the CPU time of cancelling so many in a scope, divided by that of as
--- many coroutines: the least of five.
local rt = require("rt")

local n = math.tointeger(tonumber(arg[1]))

--- Plain Lua makes n coroutines that wait in pcall, and ends them. Returns the CPU time of both.
local create, resume, yield, pcall = coroutine.create, coroutine.resume, coroutine.yield, pcall
local function cpu_time_of_coroutines()
  collectgarbage()
  local began, waiting = os.clock(), {}
  for i = 1, n do
    waiting[i] = create(pcall)
    resume(waiting[i], yield)
  end
  for i = 1, n do
    resume(waiting[i])
  end
  return os.clock() - began
end

--- A scope of n tasks that sleep fails. Returns the CPU time of ending them.
local function cpu_time_of_cancelling()
  collectgarbage()
  local began
  pcall(rt.scope, function(scope)
    for _ = 1, n do
      scope:spawn_local(rt.sleep, 1000)
    end
    rt.yield()
    began = os.clock()
    error("now")
  end)
  return os.clock() - began
end

local cancelling, coroutines = math.huge, math.huge
for _ = 1, 5 do
  cancelling = math.min(cancelling, cpu_time_of_cancelling())
  coroutines = math.min(coroutines, cpu_time_of_coroutines())
end
print(cancelling / coroutines)
