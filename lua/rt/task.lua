--- Joining several tasks, and blocking on one.
local core = require("rt.core")

local current, spawn_at, spawn_local = core.current, core.spawn_at, core.spawn_local

local task = {}

--- Runs a function as a task and returns its results, or raises its error.
function task.run(f, ...)
  return spawn_at(2, f, ...):join()
end

local function check(x, i)
  local meta = type(x) == "userdata" and getmetatable(x)
  if type(x) ~= "function" and not (meta and meta.__index and x.join) then
    error(("bad argument #%d to 'join' (task or function expected, got %s)"):format(i, type(x)), 3)
  end
  if x == current() then
    error("a task cannot join itself", 3)
  end
end

--- What one call of join knows. Each of its tasks has a watcher, a task that does nothing but
--- join it: the first one to see a failure calls the others off.
local function watch(all, i)
  local ok, result = pcall(all.tasks[i].join, all.tasks[i])
  if ok then
    all.results[i] = result
  elseif not all.failed then
    all.failed, all.error = all.tasks[i], result
    for k = 1, all.n do
      all.watchers[k]:cancel()
    end
  end
end

--- Tasks that are left: those that join made itself end with it, the caller's go on.
local function give_up(all)
  for i = 1, all.n do
    all.watchers[i]:cancel()
    if all.own[i] then
      all.tasks[i]:cancel("another task of the join failed")
    end
  end
  for i = 1, all.n do
    if all.own[i] then
      pcall(all.tasks[i].join, all.tasks[i])
    end
  end
end

--- Waits for tasks and functions (which it runs as local tasks), all at once. Returns the first
--- result of each. As soon as one of them fails its error is raised, after the functions that
--- still ran have been cancelled and have unwound.
function task.join(...)
  local n = select("#", ...)
  local all = { n = n, tasks = { ... }, own = {}, watchers = {}, results = {} }
  for i = 1, n do
    check(all.tasks[i], i)
  end
  for i = 1, n do
    if type(all.tasks[i]) == "function" then
      all.tasks[i], all.own[i] = spawn_at(2, all.tasks[i]), true
    end
  end
  for i = 1, n do
    all.watchers[i] = spawn_local(watch, all, i)
  end
  for i = 1, n do
    local ok, err = pcall(all.watchers[i].join, all.watchers[i])
    if not (ok or all.failed) then -- the caller is cancelled, or its time is over
      give_up(all)
      error(err, 0)
    end
  end
  if all.failed then
    local how = all.failed:status() -- before it is given up
    give_up(all)
    if how == "failed" or how == "cancelled" then
      all.failed:join() -- raises, and says where the error comes from
    end
    error(all.error, 0) -- of the watcher: it had no memory to join
  end
  return table.unpack(all.results, 1, n)
end

return task
