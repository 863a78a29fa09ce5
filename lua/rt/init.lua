--- What require("rt") returns: every public name, and nothing else.

-- Another Lua can read this file, but cannot load the module in C.
if _VERSION ~= "Lua 5.4" then
  error("rt needs Lua 5.4, and this is " .. (_G.jit and _G.jit.version or _VERSION), 0)
end

local core = require("rt.core")
local builder = require("rt.builder")
local map = require("rt.map")
local retry = require("rt.retry")
local scope = require("rt.scope")
local task = require("rt.task")
local tcp = require("rt.tcp")
local time = require("rt.time")

return {
  version = core.version,
  Cancelled = core.Cancelled,

  spawn = core.spawn,
  spawn_local = core.spawn_local,
  spawn_blocking = core.spawn_blocking,
  builder = builder.builder,
  current = core.current,
  yield = core.yield,
  join = task.join,
  run = task.run,
  call = task.call,
  scope = scope.scope,
  race = task.race,
  map = map.map,
  each = map.each,
  on_unhandled = core.on_unhandled,
  traceback = core.traceback,

  now = core.now,
  sleep = core.sleep,
  timeout = core.timeout,
  shield = core.shield,
  critical = core.critical,
  interval = time.interval,
  retry = retry.retry,

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

  tcp = tcp,
}
