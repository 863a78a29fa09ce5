--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- Tasks: results of every kind, errors with their tracebacks, names, joins.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local t = {}
local function give(...)
  return ...
end

local one = rt.spawn_local(give, 1)
local none = rt.spawn_local(give)
local text = rt.spawn_local(give, "text")
local several = rt.spawn_local(give, t, nil, 2.5, nil)
local waiting = rt.spawn_local(function(...)
  rt.yield()
  return select("#", ...), ...
end, 1, nil, "x")
waiting.name = "waiting"
right(waiting.name == "waiting" and tostring(waiting):find("waiting, queued"), "a name")
right(one:join() == 1, "an integer")
right(select("#", none:join()) == 0, "nothing")
right(text:join() == "text", "a string")
local a, b, c, d = several:join()
right(
  a == t and b == nil and c == 2.5 and d == nil and select("#", several:join()) == 4,
  "several values"
)
right(select("#", waiting:join()) == 4 and several:status() == "done", "after a wait")

local function deep(n)
  if n == 0 then
    error(t)
  end
  return 1 + deep(n - 1)
end
local failing = rt.spawn_local(function()
  rt.yield()
  return deep(5)
end)
local ok, err = pcall(failing.join, failing)
right(not ok and (err == t or type(err) == "string"), "an error")
if err ~= t then
  error(err, 0)
end
ok, err = xpcall(failing.join, rt.traceback, failing)
right(not ok, "an error twice")
if type(err) == "string" and err:find("stack traceback") then
  right(err:find("in task %d+, spawned at"), "where from")
end
right(failing:status() == "failed", "its status")

local sum = 0
local x, y, z = rt.join(
  function()
    rt.yield()
    return 10
  end,
  one,
  function()
    return (rt.current()).id
  end
)
right(x == 10 and y == 1 and math.type(z) == "integer", "join")
for i = 1, 20 do
  rt.spawn_local(function()
    sum = sum + i
  end)
end
rt.yield()
rt.yield()
right(rt.run(function()
  return sum
end) == 210, "run")
return true
