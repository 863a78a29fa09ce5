--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- Waiting inside the user's own coroutines, nested, with errors and closings.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local function numbers(n)
  return coroutine.wrap(function()
    for i = 1, n do
      rt.yield()
      coroutine.yield(i)
    end
  end)
end

local function sums(n)
  return coroutine.wrap(function()
    local sum = 0
    for i in numbers(n) do
      sum = sum + i
      rt.sleep(0)
      coroutine.yield(sum)
    end
  end)
end

local function all()
  local last
  for sum in sums(5) do
    last = sum
  end
  return last
end

right(all() == 15, "in the main chunk")
local a, b = rt.join(all, all)
right(a == 15 and b == 15, "in tasks")

--- errors are returned as from any coroutine
local function fail()
  local f = coroutine.wrap(function()
    rt.yield()
    error("inside", 0)
  end)
  return pcall(f)
end
local results = table.pack(rt.run(fail))
right(results[1] == false, "an error")
if not results[2]:find("inside") then
  error(results[2], 0)
end
local ok, err = rt.run(function()
  local co = coroutine.create(function(...)
    local x = ...
    rt.yield()
    x = x + coroutine.yield(x)
    rt.yield()
    return x
  end)
  local one, first = coroutine.resume(co, 1)
  if not one then
    error(first, 0)
  end
  local two, second = coroutine.resume(co, 41)
  if not two then
    error(second, 0)
  end
  right(first == 1 and second == 42 and coroutine.status(co) == "dead", "resume")
  return true
end)
right(ok == true and err == nil, "a coroutine by hand")

--- pcall, metamethods, iterators, a closing in between
local closed = 0
local object = setmetatable({}, {
  __add = function(_, n)
    rt.yield()
    return n + 1
  end,
})
local value = rt.run(function()
  local guard <close> = setmetatable({}, {
    __close = function()
      rt.yield()
      closed = closed + 1
    end,
  })
  local fine, sum = pcall(function()
    return object + 1
  end)
  if not fine then
    error(sum, 0)
  end
  return guard and sum
end)
right(value == 2 and closed == 1, "metamethods and closings")

--- a coroutine that is suspended in a wait belongs to its task; another one can be closed
local inner
local task = rt.spawn_local(function()
  inner = coroutine.create(function()
    rt.sleep(60)
  end)
  return coroutine.resume(inner)
end)
rt.yield()
if inner then
  right(coroutine.status(inner) ~= "suspended", "it is the task's")
  local resumed, message = coroutine.resume(inner)
  right(not resumed and type(message) == "string", "nobody else resumes it")
end
task:cancel()
pcall(task.join, task)
local idle = coroutine.create(function()
  local guard <close> = setmetatable({}, {
    __close = function()
      closed = closed + 1
    end,
  })
  coroutine.yield(guard)
end)
assert(coroutine.resume(idle))
local shut, why = coroutine.close(idle)
if not shut then
  error(why, 0)
end
right(closed == 2, "closed")
return true
