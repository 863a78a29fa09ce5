--- rt: tasks, timers and TCP for Lua. The front door: every public name, nothing else.
local core = require("rt.core")
local task = require("rt.task")
local time = require("rt.time")
local tcp = require("rt.tcp")
local scope = require("rt.scope")

return {
  version = core.version,
  Cancelled = core.Cancelled,

  spawn = core.spawn,
  spawn_local = core.spawn_local,
  spawn_blocking = core.spawn_blocking,
  current = core.current,
  yield = core.yield,
  join = task.join,
  run = task.run,
  scope = scope.scope,
  race = scope.race,
  on_unhandled = core.on_unhandled,
  traceback = core.traceback,

  now = core.now,
  sleep = core.sleep,
  timeout = core.timeout,
  shield = core.shield,
  critical = core.critical,
  interval = time.interval,

  channel = core.channel,
  dict = core.dict,
  select = core.select,
  select_biased = core.select_biased,
  sleep_op = core.sleep_op,
  default_op = core.default_op,
  mutex = core.mutex,
  semaphore = core.semaphore,
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
