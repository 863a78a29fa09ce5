--- Joining several tasks, and blocking on one.
local core = require("rt.core")
local scopes = require("rt.scope")

core.spawns_for_callers()

local scope, check_given, spawn_local = scopes.scope, scopes.check_given, core.spawn_local

local task = {}

--- Runs a function as a task and returns its results, or raises its error.
function task.run(f, ...)
  if type(f) ~= "function" then
    error("bad argument #1 to 'run' (function expected, got " .. type(f) .. ")", 2)
  end
  return spawn_local(f, ...):join()
end

--- Waits for tasks and functions (which it runs as local tasks), all at once. Returns the first
--- result of each. As soon as one of them fails the functions that still run are cancelled, and
--- the error is raised when they have unwound: one as itself, several as one.
function task.join(...)
  local n, given, results = select("#", ...), { ... }, {}
  for i = 1, n do
    check_given(given[i], i, "join")
  end
  local function run(i, f, ...)
    results[i] = f(...)
  end
  scope(function(self)
    for i = 1, n do
      if type(given[i]) == "function" then
        self:spawn_local(run, i, given[i])
      else
        self:spawn_local(run, i, given[i].join, given[i])
      end
    end
  end)
  return table.unpack(results, 1, n)
end

return task
