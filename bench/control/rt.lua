-- timeout: one that does not expire, less the bare call; local, remote: a waiting task is cancelled and
-- joined, one at a time; scope: a scope whose tasks all wait fails
local rt, B = require("rt"), require("bench")
local what, n = arg[1], math.floor(tonumber(arg[2]))
rt.configure { workers = 1 }

--- Processor time and time that f takes.
local function took(f)
  collectgarbage()
  local t0, w0 = os.clock(), rt.now()
  f()
  return os.clock() - t0, rt.now() - w0
end

local cases = {}

function cases.timeout()
  local timeout = rt.timeout
  local function add(a, b)
    return a + b
  end
  local bare, wall = took(function()
    local sum = 0
    for i = 1, n do
      sum = add(sum, i)
    end
  end)
  local cpu_s, wall_s = took(function()
    local sum = 0
    for i = 1, n do
      sum = timeout(60, add, sum, i)
    end
  end)
  return cpu_s - bare, wall_s - wall
end

local function cancel_each(spawn, waiting)
  local tasks = {}
  for i = 1, n do
    tasks[i] = spawn(rt.sleep, 3600)
  end
  waiting()
  return took(function()
    for i = 1, n do
      local task = tasks[i]
      task:cancel()
      assert(not pcall(task.join, task))
    end
  end)
end

cases["local"] = function()
  return cancel_each(rt.spawn_local, rt.yield)
end

function cases.remote()
  return cancel_each(rt.spawn, function()
    rt.spawn(rt.yield):join() -- it begins after them
  end)
end

function cases.scope()
  local began, wall
  local ok, err = pcall(rt.scope, function(scope)
    for _ = 1, n do
      scope:spawn_local(rt.sleep, 3600)
    end
    rt.yield()
    collectgarbage()
    began, wall = os.clock(), rt.now()
    error("one fails", 0)
  end)
  assert(not ok and err == "one fails")
  return os.clock() - began, rt.now() - wall
end

-- in a task of its own: waiting in the main chunk is dearer
rt.spawn_local(function()
  local cpu_s, wall_s = cases[what]()
  B.result { n = n, cpu_s = cpu_s, wall_s = wall_s }
  os.exit(0)
end):join()
