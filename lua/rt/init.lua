--- What require("rt") returns: every public name, and nothing else.
--
-- The names that are written in Lua are loaded at first use, each from the file of its part, so that a
-- program, and each worker, pays only for what it uses. A name that was used once is a field like any
-- other.

-- Another Lua can read this file, but cannot load the module in C.
if _VERSION ~= "Lua 5.4" then
  error("rt needs Lua 5.4, and this is " .. (_G.jit and _G.jit.version or _VERSION), 0)
end

local core = require("rt.core")
local internal = core.internal
internal.spawns_for_callers()

local loaded, preload = package.loaded, package.preload
local loadfile, next, rawset, require = loadfile, next, rawset, require
local setmetatable, sub = setmetatable, string.sub
local file = select(2, ...)
local folder = type(file) == "string" and file:match("^(.*)init%.lua$")

--- The part that has a name; true: the name is that of the part.
local parts = {
  builder = "builder",
  run = "task",
  call = "task",
  join = "task",
  race = "task",
  scope = "scope",
  map = "map",
  each = "map",
  interval = "time",
  retry = "retry",
  tcp = true,
}

local rt = {
  version = core.version,
  Cancelled = core.Cancelled,

  spawn = core.spawn,
  spawn_local = core.spawn_local,
  spawn_blocking = core.spawn_blocking,
  current = core.current,
  yield = core.yield,
  on_unhandled = core.on_unhandled,
  traceback = core.traceback,

  now = core.now,
  sleep = core.sleep,
  timeout = core.timeout,
  within = core.within,
  shield = core.shield,
  critical = core.critical,

  channel = core.channel,
  dict = core.dict,
  select = core.select,
  select_biased = core.select_biased,
  sleep_op = core.sleep_op,
  default_op = core.default_op,
  mutex = core.mutex,
  semaphore = core.semaphore,
  limiter = core.limiter,
  notify = core.notify,
  barrier = core.barrier,
  once = core.once,
  watch = core.watch,
  broadcast = core.broadcast,

  configure = core.configure,
  preload = core.preload,
  workers = core.workers,
  shutdown = core.shutdown,
  metrics = core.metrics,

  tasks = core.tasks,
  dump = core.dump,
}

--- What a library of Lua had when rt was loaded, from what rt.core has kept of it.
local function originals(library, fields)
  return setmetatable(fields, {
    __index = function(_, name)
      return internal["original " .. library .. "." .. name]
    end,
  })
end

--- The globals that the files of the parts see, whatever the program has hidden since rt was loaded.
local globals = originals("_G", {
  string = originals("string", {}),
  table = originals("table", {}),
  math = originals("math", { huge = math.huge }),
})

--- Returns the module of a part. Its file is beside this one, whatever package.path is by now; if it
--- is not there, `require` looks for it, as a program may have all modules in package.preload. Two
--- tasks may load a part at the same time, if the first is switched in the middle: the module of the
--- one that ends first counts.
local function load_part(name)
  local module = loaded[name]
  if not module and folder and not preload[name] then
    local path = folder .. sub(name, 4) .. ".lua"
    local chunk = loadfile(path, "t", globals)
    module = chunk and chunk(name, path)
    if module then
      module = loaded[name] or module
      loaded[name] = module
    end
  end
  return module or require(name)
end

function globals.require(name)
  return name == "rt.core" and core or load_part(name)
end

local meta = {}

function meta:__index(name)
  local part = parts[name]
  if part then
    local value = load_part("rt." .. (part == true and name or part))
    if part ~= true then
      value = value[name]
    end
    rawset(self, name, value)
    return value
  end
end

--- All names, also those that were not used yet.
function meta:__pairs()
  for name in next, parts do
    local _ = self[name]
  end
  return next, self, nil
end

return setmetatable(rt, meta)
