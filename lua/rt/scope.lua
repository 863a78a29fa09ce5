--- rt.scope: tasks that have ended when the function that opened the scope returns.
--
-- A scope has a group (rt.core.internal.group): it counts the tasks of the scope, on all workers,
-- that have not ended, and finds out which task was the first whose end the policy names. The list
-- of the tasks' handles is kept here. All functions of this file run in the state that opened the
-- scope.
local core = require("rt.core")
local internal = core.internal
-- (Locals, since a program may hide globals when it has loaded rt. The same in each file of rt.)
local error, pcall, xpcall, select = error, pcall, xpcall, select
local type = type
local getmetatable, setmetatable, ipairs = getmetatable, setmetatable, ipairs
local max, min = math.max, math.min
local pack, unpack, concat, insert = table.pack, table.unpack, table.concat, table.insert
local format, gmatch, gsub = string.format, string.gmatch, string.gsub

internal.spawns_for_callers()

local check, class_of = internal.check, internal.class_of
local error_text = internal.error_text
local shield, critical = core.shield, internal.critical

--- Fields of a scope: `group`; `tasks`, a list of handles; `limit`, the length of the list at which
--- handles that are not needed any more are removed; `keeps_all`, true if each handle may still be
--- needed for its results; `open`, false when the scope has ended; `stopped`, why the tasks were
--- cancelled, if that was before one had ended as the policy names; `ungiven`, the handles of the
--- tasks that Scope.next has not given, by id, from its first call on.
local Scope = {}
Scope.__index = Scope
Scope.__name = "rt.scope"

--- Checks the arguments of a method that adds a task: the scope and the function.
local function check_adding(name, ...)
  local self, f = ...
  check(getmetatable(self) == Scope, 1, name, "rt.scope", class_of, ...)
  if type(f) ~= "function" then
    check(false, 1, name, "function", class_of, select(2, ...))
  end
  if not self.open then
    internal.misuse("the scope has ended: no new tasks")
  end
end

--- Removes the handles of tasks that returned or were cancelled, and that Scope.next will not give.
--- Without this the list of a scope that is open for long would grow with each task.
local function remove_ended(self)
  local kept, ungiven = {}, self.ungiven
  local keeps_all = self.keeps_all or (not ungiven and self.group:keeps_ended())
  for _, task in ipairs(self.tasks) do
    local status = not keeps_all and task:status()
    if (status ~= "cancelled" and status ~= "done") or (ungiven and ungiven[task.id]) then
      kept[#kept + 1] = task
    end
  end
  self.tasks = kept
  self.limit = max(64, 2 * #kept)
end

--- Spawns a task by a method of the group and adds its handle to the list. The list gets the room
--- for the handle first: if it failed to grow after the spawn, the scope could not cancel the task.
local function add_task(spawn, self, ...)
  if #self.tasks >= self.limit then
    remove_ended(self)
  end
  local tasks, place = self.tasks, #self.tasks + 1
  tasks[place] = true
  tasks[place] = nil
  local task = spawn(self.group, ...)
  tasks[place] = task
  if self.ungiven then
    self.ungiven[task.id] = task
  end
  return task
end

--- Spawns a task on any worker, as a part of the scope.
function Scope.spawn(...)
  check_adding("spawn", ...)
  return critical(add_task, (...).group.spawn, ...)
end

--- Spawns a task in this state, as a part of the scope.
function Scope.spawn_local(...)
  check_adding("spawn_local", ...)
  return critical(add_task, (...).group.spawn_local, ...)
end

--- Cancels all tasks of the scope, tasks that are added later, and the function of the scope.
function Scope.cancel(...)
  local self, reason = ...
  check(getmetatable(self) == Scope, 1, "cancel", "rt.scope", class_of, ...)
  self.group:begin_cancel()
  for _, task in ipairs(self.tasks) do
    task:cancel(reason)
  end
  self.group:cancel()
end

--- From the first call on the scope keeps each task until Scope.next gives it.
local function give_ended(self)
  local ungiven = {}
  for _, task in ipairs(self.tasks) do
    ungiven[task.id] = task
  end
  self.group:give_ended(ungiven)
  self.ungiven = ungiven
end

--- Checks the arguments, and returns the group, which has Scope.next and Scope.next_op.
local function giving_group(name, ...)
  local self = ...
  check(getmetatable(self) == Scope, 1, name, "rt.scope", class_of, ...)
  if not self.ungiven then
    critical(give_ended, self) -- or a task could be added in between
  end
  return self.group
end

--- The next task of the scope that has ended: each once, in the order of their ends. nil: all have
--- ended, and were given.
function Scope.next(...)
  return giving_group("next", ...):next()
end

--- The operation for rt.select that does the same.
function Scope.next_op(...)
  return giving_group("next_op", ...):next_op()
end

function Scope:__tostring()
  return format("rt.scope (%s, %d tasks)", self.open and "open" or "ended", #self.group)
end

-- --- waiting for the tasks -----------------------------------------------------------------------

--- Waits until all tasks have ended, or one has ended as the policy names. A task may be added
--- between the end of the last one and the moment when this task is resumed; then the wait begins
--- again.
local function wait_for_end(group)
  repeat
    group:wait()
  until #group == 0 or group:decider()
end

--- Why the tasks that a task waits for are cancelled, when the wait of this task was ended by the
--- error: for the same reason, if that is a text, which can be sent to any worker.
local function reason_of(err)
  local reason = getmetatable(err) == core.Cancelled and err.reason
  return type(reason) == "string" and reason or "the task that waited was cancelled"
end

--- Waits until all tasks have ended and cleaned up. If the task of the scope is cancelled
--- meanwhile, this cancels the tasks of the scope and returns the error. If one of the tasks ended
--- as the policy names, this cancels the others for `reason`; without a reason (policy "settle") it
--- cancels none.
local function settle(self, reason)
  local group = self.group
  local ok, err = pcall(wait_for_end, group)
  if not ok then
    self.stopped = reason_of(err)
  end
  if not ok or (reason and #group > 0) then
    self:cancel(self.stopped or reason)
  end
  shield(function()
    repeat
      group:wait(true)
    until #group == 0
  end)
  self.open = false
  if ok then -- raises if this task was cancelled while the others ended, perhaps for the same cause
    ok, err = pcall(group.wait, group)
  end
  return not ok and err or nil
end

-- --- errors --------------------------------------------------------------------------------------

--- What the scope raises if several errors are left. errors: a list; traces: their tracebacks; n:
--- the length of both.
local Errors = {}
Errors.__index = Errors
Errors.__name = "rt.errors"

function Errors:__tostring()
  local lines = { format("%d tasks failed:", self.n) }
  for i = 1, self.n do
    lines[i + 1] = format("  %d. %s", i, (gsub(error_text(self.errors[i]), "\n", "\n     ")))
  end
  return concat(lines, "\n")
end

local function with_trace(err)
  return { error = err, trace = internal.raised_trace(err) }
end

--- The error of a task that failed: error, trace, task.
local function failure_of(task)
  local _, failure = xpcall(task.join, with_trace, task)
  if type(failure) ~= "table" then -- there was no memory for the table
    failure = { error = failure }
  end
  failure.task = task
  return failure
end

--- The id of the task that raised the error first. An error that was raised again by joins has a
--- traceback of each task that it passed; the last of them is that of its origin.
local function origin(failure)
  local id
  for found in gmatch("\n" .. (failure.trace or ""), "\nin task (%d+)") do
    id = found
  end
  return id or failure
end

--- Keeps one of the failures that have the same origin: a task that joins a failed task fails with
--- the same error, which counts once.
local function distinct(failures)
  local kept, seen = {}, {}
  for _, failure in ipairs(failures) do
    local from = origin(failure)
    if not seen[from] then
      kept[#kept + 1] = failure
      seen[from] = true
    end
  end
  return kept
end

--- So many tracebacks are shown when nothing has handled the error.
local TRACES_MAX = 16

--- The tracebacks of several failures as one.
local function join_traces(traces, n)
  local parts = {}
  for i = 1, min(n, TRACES_MAX) do
    parts[i] = format("%d. %s", i, traces[i])
  end
  if n > TRACES_MAX then
    parts[TRACES_MAX + 1] = format("(and %d more)", n - TRACES_MAX)
  end
  return concat(parts, "\n")
end

--- Raises the errors of the tasks that failed, and that of the function of the scope, if it failed:
--- a single error as it is, several as one rt.errors.
local function raise(failed, body)
  if not body and #failed == 1 then
    failed[1]:join()
  end
  local failures = { body }
  for _, task in ipairs(failed) do
    failures[#failures + 1] = failure_of(task)
  end
  failures = distinct(failures)
  local first = failures[1]
  if #failures == 1 then
    if first.task then
      first.task:join()
    end
    internal.raise(first.error, first.trace)
  end
  local errors, traces, n = {}, {}, #failures
  for i, failure in ipairs(failures) do
    errors[i], traces[i] = failure.error, failure.trace or "(no traceback)"
  end
  local err = setmetatable({ errors = errors, traces = traces, n = n }, Errors)
  internal.raise_here(err, join_traces(traces, n))
end

local function failed_tasks(self)
  local failed = {}
  for _, task in ipairs(self.tasks) do
    if task:status() == "failed" then
      failed[#failed + 1] = task
    end
  end
  return failed
end

--- Joins failed tasks whose errors do not matter, so that they count as handled.
local function handle(tasks, except)
  for _, task in ipairs(tasks) do
    if task ~= except then
      pcall(task.join, task)
    end
  end
end

-- --- results -------------------------------------------------------------------------------------

--- The first task that ended as the policy names. (A task that was cancelled because of that may
--- end in the same way later, so the status alone does not tell.)
local function decider(self)
  local id = self.group:decider()
  for _, task in ipairs(self.tasks) do
    if task.id == id then
      return task
    end
  end
end

--- Why the other tasks are cancelled, by policy.
local reasons = {
  all = "another task of the scope failed",
  any = "another task of the scope succeeded",
  first = "another task of the scope ended",
  each = "another task of the scope failed or was cancelled",
}

--- For "any" and "first", if no task ended as the policy names: a cancelled task raises its error;
--- if there were no tasks, the results are those of the function.
local function without_decider(self, results)
  for _, task in ipairs(self.tasks) do
    if task:status() == "cancelled" then
      task:join()
    end
  end
  return unpack(results, 2, results.n)
end

--- What rt.scope returns or raises when all tasks have ended, by policy. results: true, and what
--- the function of the scope returned.
local endings = {
  all = function(self, results)
    local failed = failed_tasks(self)
    if failed[1] then
      raise(failed)
    end
    return unpack(results, 2, results.n)
  end,
  any = function(self, results)
    local winner, failed = decider(self), failed_tasks(self)
    if winner then
      handle(failed)
      return winner:join()
    end
    if failed[1] then
      raise(failed)
    end
    return without_decider(self, results)
  end,
  first = function(self, results)
    local winner = decider(self)
    handle(failed_tasks(self), winner)
    if winner then
      return winner:join()
    end
    return without_decider(self, results)
  end,
  each = function(self)
    local failed, first = failed_tasks(self), decider(self)
    if first and first:status() == "cancelled" then
      insert(failed, 1, first)
    end
    if failed[1] then
      raise(failed)
    end
  end,
  settle = function(self, results)
    handle(failed_tasks(self))
    return unpack(results, 2, results.n)
  end,
}

-- --- rt.scope ------------------------------------------------------------------------------------

local function body(self, f, ...)
  return f(self, ...)
end

--- Runs the function of the scope, waits for the tasks, and returns or raises what the policy says.
--- This runs under rt.critical, since an error of a cancel between two of these lines would leave
--- tasks behind; the function itself does not (group:run).
local function run(self, f, policy)
  local results = pack(self.group:run(body, self, f))
  if results[1] == false then
    local is_cancel = getmetatable(results[2]) == core.Cancelled
    self.stopped = is_cancel and reason_of(results[2]) or "the body of the scope failed"
    self:cancel(self.stopped)
    if settle(self) and is_cancel then
      internal.raise(results[2], results[3]) -- as if the wait for the tasks had been cancelled
    end
    raise(failed_tasks(self), { error = results[2], trace = results[3] })
  end
  local cancelled = settle(self, reasons[policy])
  if cancelled then
    error(cancelled, 0)
  end
  return endings[policy](self, results)
end

local scope = {}

--- Opens a scope and runs f(scope). Beside the policies of rt.scope there is "each": the first end
--- of a task that is no success cancels the others and is raised.
local function open(f, policy, keeps_ended)
  local self = setmetatable({
    group = internal.group(policy, keeps_ended),
    tasks = {},
    limit = 64,
    keeps_all = policy == "any" or policy == "first",
    open = true,
  }, Scope)
  return critical(run, self, f, policy)
end

--- Runs f(scope) and waits until every task of the scope has ended and cleaned up, however f ends.
--- Policies: "all" (the first failure cancels the other tasks and f, and is raised), "any" (the
--- first success cancels the other tasks and f, and its results are returned), "first" (the first
--- end of any kind does so), "settle" (no end cancels other tasks).
function scope.scope(...)
  local f, policy = ...
  check(type(f) == "function", 1, "scope", "function", class_of, ...)
  policy = policy or "all"
  check(endings[policy] and policy ~= "each", 2, "scope", '"all", "any", "first" or "settle"')
  return open(f, policy, true)
end

scope.open = open
scope.reason_of = reason_of

return internal.hide(scope)
