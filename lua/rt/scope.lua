--- Tasks that end together: rt.scope, rt.race.
local core = require("rt.core")

core.spawns_for_callers()

local shield, critical = core.shield, core.critical

local Scope = {}
Scope.__index = Scope
Scope.__name = "rt.scope"

--- What a value is called in messages.
local function kind_of(x)
  local meta = getmetatable(x)
  local name = type(meta) == "table" and rawget(meta, "__name")
  return type(name) == "string" and name or type(x)
end

--- Of a public function, two levels up.
local function refuse(index, name, what, got)
  local message = "bad argument #%d to '%s' (%s expected, got %s)"
  error(message:format(index, name, what, kind_of(got)), 4)
end

local function check_self(self, name)
  if kind_of(self) ~= Scope.__name then
    refuse(1, name, Scope.__name, self)
  end
end

local function check_function(f, index, name)
  if type(f) ~= "function" then
    refuse(index, name, "function", f)
  end
end

local function checked(self)
  if not self.open then
    error("the scope has ended: no new tasks", 3)
  end
  return self.group
end

--- What has ended well is forgotten, or a scope that lives long would grow with its tasks.
local function forget_ended(self)
  local kept = {}
  for _, task in ipairs(self.tasks) do
    local status = task:status()
    if self.keeps_all or (status ~= "cancelled" and status ~= "done") then
      kept[#kept + 1] = task
    end
  end
  self.tasks = kept
  self.limit = math.max(64, 2 * #kept)
end

--- (Its place in the list comes first: without memory for that there would be a task that nobody
--- ends.)
local function spawn(self, how, f, ...)
  if #self.tasks >= self.limit then
    forget_ended(self)
  end
  local tasks, place = self.tasks, #self.tasks + 1
  tasks[place] = true
  tasks[place] = nil
  local task = how(self.group, f, ...)
  tasks[place] = task
  return task
end

--- An isolated task, on any worker.
function Scope:spawn(f, ...)
  check_self(self, "spawn")
  check_function(f, 1, "spawn")
  return critical(spawn, self, checked(self).spawn, f, ...)
end

--- A task in this state.
function Scope:spawn_local(f, ...)
  check_self(self, "spawn_local")
  check_function(f, 1, "spawn_local")
  return critical(spawn, self, checked(self).spawn_local, f, ...)
end

--- Cancels the tasks of the scope, those to come, and its body.
function Scope:cancel(reason)
  check_self(self, "cancel")
  self.group:doom()
  for _, task in ipairs(self.tasks) do
    task:cancel(reason)
  end
  self.group:cancel()
end

function Scope:__tostring()
  return ("rt.scope (%s, %d tasks)"):format(self.open and "open" or "ended", #self.group)
end

--- Until all have ended, or one as the policy names. (Somebody may enter while the last one ends,
--- and we are about to run.)
local function wait(group)
  repeat
    group:wait()
  until #group == 0 or group:decider()
end

--- All have ended and cleaned up when this returns, whatever happens to the task that waits: if
--- it is cancelled, so are they, and the error is returned.
local function settle(self, decided)
  local group = self.group
  local ok, err = pcall(wait, group)
  if not ok or (decided and #group > 0) then
    self:cancel(not ok and "the task of the scope was cancelled" or decided)
  end
  shield(function()
    repeat
      group:wait(true)
    until #group == 0
  end)
  self.open = false
  if ok then -- a cancel that came while they ended, perhaps of the same cause, counts, too
    ok, err = pcall(group.wait, group)
  end
  return not ok and err or nil
end

local Errors = {}
Errors.__index = Errors
Errors.__name = "rt.errors"

function Errors:__tostring()
  local lines = { ("%d tasks failed:"):format(self.n) }
  for i = 1, self.n do
    lines[i + 1] = ("  %d. %s"):format(i, (tostring(self.errors[i]):gsub("\n", "\n     ")))
  end
  return table.concat(lines, "\n")
end

local function note(err)
  return { error = err, trace = core.traceback(err) }
end

local function failure_of(task)
  local _, failure = xpcall(task.join, note, task)
  if type(failure) ~= "table" then -- there was no memory for more
    failure = { error = failure }
  end
  failure.task = task
  return failure
end

--- The task that an error came out of first, through however many joins.
local function origin(failure)
  local id
  for found in (failure.trace or ""):gmatch("\nin task (%d+)") do
    id = found
  end
  return id or failure
end

--- Who joins a task that has failed fails of the same error: that is not another one.
local function distinct(failures)
  local found, seen = {}, {}
  for _, failure in ipairs(failures) do
    local from = origin(failure)
    if not seen[from] then
      found[#found + 1] = failure
      seen[from] = true
    end
  end
  return found
end

--- Re-raises the errors of the tasks that have failed, and of the body, if it has: one as itself,
--- several as one.
local function raise(failed, body)
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
    core.raise(first.error, first.trace)
  end
  local errors = {}
  for i, failure in ipairs(failures) do
    errors[i] = failure.error
  end
  error(setmetatable({ errors = errors, n = #failures }, Errors), 0)
end

local function failures(self)
  local failed = {}
  for _, task in ipairs(self.tasks) do
    if task:status() == "failed" then
      failed[#failed + 1] = task
    end
  end
  return failed
end

--- Whose end was what the policy names. (Those who were cancelled because of it may return, too.)
local function decider(self)
  local id = self.group:decider()
  for _, task in ipairs(self.tasks) do
    if task.id == id then
      return task
    end
  end
end

local reasons = {
  all = "another task of the scope failed",
  any = "another task of the scope succeeded",
  first = "another task of the scope ended",
}

--- Of a competition: all were cancelled, and so is this; or there were none.
local function none_won(self, results)
  for _, task in ipairs(self.tasks) do
    if task:status() == "cancelled" then
      task:join()
    end
  end
  return table.unpack(results, 2, results.n)
end

local endings = {
  all = function(self, results)
    local failed = failures(self)
    if failed[1] then
      raise(failed)
    end
    return table.unpack(results, 2, results.n)
  end,
  any = function(self, results)
    local winner, failed = decider(self), failures(self)
    if winner then
      for _, task in ipairs(failed) do
        pcall(task.join, task) -- heard, and of no interest
      end
      return winner:join()
    end
    if failed[1] then
      raise(failed)
    end
    return none_won(self, results)
  end,
  settle = function(self, results)
    for _, task in ipairs(failures(self)) do
      pcall(task.join, task)
    end
    return table.unpack(results, 2, results.n)
  end,
}

function endings.first(self, results)
  local winner = decider(self)
  for _, task in ipairs(failures(self)) do
    if task ~= winner then
      pcall(task.join, task)
    end
  end
  if winner then
    return winner:join()
  end
  return none_won(self, results)
end

local function body(self, f, ...)
  return f(self, ...)
end

--- This and the ending of a scope are critical: a cancel that came between two lines of it would
--- leave tasks behind. f is not.
local function run(self, f, policy)
  local results = table.pack(self.group:run(body, self, f))
  if results[1] == false then
    self:cancel("the body of the scope failed")
    settle(self)
    raise(failures(self), { error = results[2], trace = results[3] })
  end
  local cancelled = settle(self, reasons[policy])
  if cancelled then
    error(cancelled, 0)
  end
  return endings[policy](self, results)
end

local scope = {}

--- Runs f(scope, ...). Does not return, or raise, before every task of the scope has ended and
--- cleaned up. Policies: "all" (the first failure cancels the others and f, and is raised),
--- "any" (the first success cancels the others and is the result), "first" (the first end of
--- any kind), "settle" (nothing cancels the others).
function scope.scope(f, policy)
  check_function(f, 1, "scope")
  policy = policy or "all"
  if not endings[policy] then
    error('bad argument #2 to \'scope\' ("all", "any", "first" or "settle" expected)', 2)
  end
  local self = setmetatable({
    group = core.group(policy),
    tasks = {},
    limit = 64,
    keeps_all = policy == "any" or policy == "first",
    open = true,
  }, Scope)
  return critical(run, self, f, policy)
end

--- For functions that take tasks and functions.
function scope.check_given(x, index, name)
  local is_task = type(x) == "userdata" and kind_of(x) == "rt.task"
  if type(x) ~= "function" and not is_task then
    refuse(index, name, "task or function", x)
  end
  if x == core.current() then
    error("a task cannot join itself", 3)
  end
end

--- The index and the results of whichever ends first; or its error. The others, tasks given by
--- the caller too, are cancelled, and have ended when this returns.
function scope.race(...)
  local n, given = select("#", ...), { ... }
  for i = 1, n do
    scope.check_given(given[i], i, "race")
  end
  if n == 0 then
    error("bad argument #1 to 'race' (task or function expected, got no value)", 2)
  end
  local function with_index(i, f, ...)
    return i, f(...)
  end
  local results = table.pack(pcall(scope.scope, function(self)
    for i = 1, n do
      if type(given[i]) == "function" then
        self:spawn_local(with_index, i, given[i])
      else
        self:spawn_local(with_index, i, given[i].join, given[i])
      end
    end
  end, "first"))
  shield(function()
    for i = 1, n do
      if type(given[i]) == "userdata" and results[2] ~= i then
        given[i]:cancel("another task won the race")
        pcall(given[i].join, given[i])
      end
    end
  end)
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

return scope
