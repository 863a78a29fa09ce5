--- rt.builder: tasks with a name, a worker and a priority.
local core = require("rt.core")
local internal = core.internal
local error, pcall, select, type = error, pcall, select, type
local getmetatable, setmetatable = getmetatable, setmetatable

internal.spawns_for_callers()

local check, class_of, critical = internal.check, internal.class_of, internal.critical
local spawn_with, spawn_local_with = internal.spawn_with, internal.spawn_local_with
local spawn_blocking_with = internal.spawn_blocking_with

local builder = {}

--- Fields of a builder: `name`, `priority`; `place`, the number of a worker, or "spread".
local Builder = {}
Builder.__index = Builder
Builder.__name = "rt.builder"

--- Checks the arguments of a method: the builder and the function.
local function check_spawning(name, ...)
  local self, f = ...
  check(getmetatable(self) == Builder, 1, name, "rt.builder", class_of, ...)
  if type(f) ~= "function" then
    check(false, 1, name, "function", class_of, select(2, ...))
  end
end

local function skip_self(_, ...)
  return ...
end

--- Spawns a task on the worker that the builder names.
function Builder.spawn(...)
  check_spawning("spawn", ...)
  local self = ...
  return spawn_with(self.name, self.priority, self.place, skip_self(...))
end

local function set_name(task, name)
  task.name = name
end

local function spawn_local(self, ...)
  local task = spawn_local_with(self.priority, ...)
  local ok, err = pcall(set_name, task, self.name)
  if not ok then -- there is no memory for the name
    task:cancel()
    error(err, 0)
  end
  return task
end

--- Spawns a task in this state. (Under rt.critical, since an error of a cancel between two lines
--- would leave the task behind.)
function Builder.spawn_local(...)
  check_spawning("spawn_local", ...)
  return critical(spawn_local, ...)
end

--- Spawns a task on a thread for calls that block.
function Builder.spawn_blocking(...)
  check_spawning("spawn_blocking", ...)
  local self = ...
  return spawn_blocking_with(self.name, self.priority, nil, skip_self(...))
end

local priorities = { high = true, normal = true, idle = true }

--- Makes a builder.
function builder.builder(...)
  local options = ...
  check(type(options) == "table", 1, "builder", "table", class_of, ...)
  internal.check_options(options, "builder", "name, worker, priority, spread")
  local name, worker, priority = options.name, options.worker, options.priority
  local spread = options.spread
  check(name == nil or type(name) == "string", "option", "name", "a string", class_of, name)
  check(
    worker == nil or (type(worker) == "number" and worker >= 1 and worker % 1 == 0),
    "option",
    "worker",
    "the number of a worker",
    class_of,
    worker
  )
  check(
    priority == nil or priorities[priority],
    "option",
    "priority",
    '"high", "normal" or "idle"',
    class_of,
    priority
  )
  check(
    spread == nil or type(spread) == "boolean",
    "option",
    "spread",
    "a boolean",
    class_of,
    spread
  )
  if worker and spread then
    internal.misuse("a builder has either a worker or spread = true")
  end
  return setmetatable(
    { name = name, priority = priority, place = worker or spread and "spread" or nil },
    Builder
  )
end

return internal.hide(builder)
