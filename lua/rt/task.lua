--- rt.run, rt.call, rt.join and rt.race: running functions as tasks, and waiting for several tasks.
local core = require("rt.core")
local scope = require("rt.scope")
local internal = core.internal
local error, pcall, select, type = error, pcall, select, type
local getmetatable = getmetatable
local unpack = table.unpack

internal.spawns_for_callers()

local check, class_of = internal.check, internal.class_of
local spawn, spawn_local, shield = core.spawn, core.spawn_local, core.shield
local Cancelled, critical = core.Cancelled, internal.critical

local task = {}

--- Runs a function as a local task and returns its results, or raises its error.
function task.run(...)
  check(type((...)) == "function", 1, "run", "function", class_of, ...)
  return spawn_local(...):join()
end

local function is_task(x)
  return type(x) == "userdata" and class_of(x) == "rt.task"
end

local function check_not_self(x)
  if x == core.current() then
    internal.misuse("a task cannot join itself")
  end
end

--- Raises the error of a join that a protected call has caught. The traceback is as it was kept,
--- without the functions that are active here, which are rt's own: another one would be most of the
--- cost of a failure.
local function raise(err)
  internal.raise(err, internal.raised_trace(err))
end

local function pass(ok, ...)
  if not ok then
    raise((...))
  end
  return ...
end

--- The rest of rt.call when the join has returned, or has raised. If it has raised an rt.Cancelled,
--- this task was cancelled, as a rule (else the pool task has ended, and cancelling it does nothing).
--- An error of the cleanup of the pool task is raised in place of the rt.Cancelled, as if the
--- function ran in this task.
local function call_ended(callee, ok, ...)
  if ok then
    return ...
  end
  local err = ...
  if getmetatable(err) ~= Cancelled then
    raise(err)
  end
  callee:cancel(scope.reason_of(err))
  shield(pcall, callee.join, callee)
  if callee:status() == "failed" then
    shield(callee.join, callee)
  end
  error(err, 0)
end

local function spawn_and_join(...)
  local callee = spawn(...)
  return call_ended(callee, pcall(callee.join, callee))
end

--- Runs a function as a task of the pool and returns its results, or raises its error. If this task
--- is cancelled or timed out meanwhile, so is that one, and it has cleaned up when this returns.
--- (Under rt.critical, since an error of a cancel after the spawn would leave the task behind.)
function task.call(...)
  check(type((...)) == "function", 1, "call", "function", class_of, ...)
  return critical(spawn_and_join, ...)
end

--- Spawns a local task for each of n tasks and functions, which calls call(i, function) or
--- join(i, task).
local function spawn_each(self, given, n, call, join)
  for i = 1, n do
    local x = given[i]
    self:spawn_local(type(x) == "function" and call or join, i, x)
  end
end

--- Waits for tasks and functions, which it runs as local tasks. Returns the first result of each.
--- The first one that fails or is cancelled cancels the functions that still run, and its error is
--- raised when they have ended; several errors are raised as one. Tasks that were given are not
--- cancelled.
function task.join(...)
  local n, given, results = select("#", ...), { ... }, {}
  for i = 1, n do
    local x = given[i]
    check(type(x) == "function" or is_task(x), i, "join", "task or function", class_of, x)
    check_not_self(x)
  end
  if n == 1 and type(given[1]) == "userdata" then
    return (given[1]:join())
  end
  local function call(i, f)
    results[i] = f()
  end
  local function join(i, x)
    local ok, result = pcall(x.join, x)
    if not ok then
      raise(result)
    end
    results[i] = result
  end
  scope.open(function(self)
    spawn_each(self, given, n, call, join)
  end, "each")
  return unpack(results, 1, n)
end

--- Waits for the first of several tasks and functions to end, and returns its index and its
--- results, or raises its error. Functions run as local tasks, which have ended when this returns: it
--- cancels those that lose. Tasks that were given go on.
function task.race(...)
  local n, given = select("#", ...), { ... }
  for i = 1, n do
    local x = given[i]
    check(type(x) == "function" or is_task(x), i, "race", "task or function", class_of, x)
    check_not_self(x)
  end
  check(n > 0, 1, "race", "task or function", class_of)
  local function call(i, f)
    return i, f()
  end
  local function join(i, x)
    return i, pass(pcall(x.join, x))
  end
  return scope.open(function(self)
    spawn_each(self, given, n, call, join)
  end, "first")
end

return internal.hide(task)
