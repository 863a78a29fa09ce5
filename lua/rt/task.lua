--- Joining several tasks, and blocking on one.
local core = require("rt.core")

local spawn_local = core.spawn_local

local task = {}

--- Runs a function as a task and returns its results, or raises its error.
function task.run(f, ...)
  return spawn_local(f, ...):join()
end

local function start(x)
  if type(x) == "function" then
    return spawn_local(x)
  end
  return x
end

--- Waits for tasks and functions (which it runs as local tasks), all at once. Returns the first
--- result of each. If one of them fails, its functions still running are cancelled.
function task.join(...)
  local n, given, tasks, results = select("#", ...), { ... }, {}, {}
  for i = 1, n do
    local kind = type(given[i])
    if kind ~= "function" and kind ~= "userdata" then
      error(("bad argument #%d to 'join' (task or function expected, got %s)"):format(i, kind), 2)
    end
  end
  for i = 1, n do
    tasks[i] = start(given[i])
  end
  local ok, err = pcall(function()
    for i = 1, n do
      results[i] = (tasks[i]:join())
    end
  end)
  if ok then
    return table.unpack(results, 1, n)
  end
  for i = 1, n do
    if tasks[i] ~= given[i] then
      tasks[i]:cancel("another task of the join failed")
    end
  end
  for i = 1, n do
    if tasks[i] ~= given[i] then
      pcall(tasks[i].join, tasks[i])
    end
  end
  error(err, 0)
end

return task
