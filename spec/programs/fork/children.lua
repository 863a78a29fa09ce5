--- Forks children, with a server and a pool in the parent, and looks at how each ends; then the server has to
--- serve. FORK is the library of fork.c.
local rt = require("rt")
local fork = assert(package.loadlib(os.getenv("FORK"), "spec_fork"))
local wait = assert(package.loadlib(os.getenv("FORK"), "spec_wait"))

rt.configure { stall = 60 } -- (a sanitizer's child takes a second to end)

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
local function serve()
  for stream in listener:incoming() do
    rt.spawn_local(function()
      stream:write(stream:read("l"), "\n")
    end)
  end
end
rt.spawn_local(serve)
local function ask(text)
  local stream <close> = assert(rt.tcp.connect("127.0.0.1", port))
  stream:write(text, "\n")
  return stream:read("l")
end

assert(ask("before") == "before")
assert(rt.spawn(function()
  return 1
end):join() == 1)

local function child(f)
  local pid = fork()
  if pid == 0 then
    f()
    os.exit(9)
  end
  return wait(pid)
end

local queue, mutex, dict, permits = rt.channel(4), rt.mutex(1), rt.dict(), rt.semaphore(2)
local notify, watch, barrier, broadcast, once =
  rt.notify(), rt.watch(1), rt.barrier(2), rt.broadcast(4), rt.once()
local watcher, subscriber = watch:subscribe(), broadcast:subscribe()
local limiter = rt.limiter { rate = 1 }
local operation = queue:recv_op()
local pooled = rt.spawn(function() end)
pooled:join()
local here = rt.spawn_local(rt.sleep, 0.01)
local stream = assert(rt.tcp.connect("127.0.0.1", port))

local function call(object, method, ...)
  local arguments = table.pack(...)
  return function()
    object[method](object, table.unpack(arguments, 1, arguments.n))
  end
end

--- All that waits, starts a task, or uses an object of rt.
local refusals = {
  sleep = function()
    rt.sleep(0.01)
  end,
  yield = rt.yield,
  timeout = function()
    rt.timeout(1, print)
  end,
  within = function()
    rt.within(1, print)
  end,
  scope = function()
    rt.scope(print)
  end,
  call = function()
    rt.call(print)
  end,
  map = function()
    rt.map(1, { 1 }, print)
  end,
  spawn = function()
    rt.spawn(print)
  end,
  spawn_local = function()
    rt.spawn_local(print)
  end,
  spawn_blocking = function()
    rt.spawn_blocking(print)
  end,
  connect = function()
    rt.tcp.connect("127.0.0.1", port)
  end,
  listen = function()
    rt.tcp.listen("127.0.0.1", 0)
  end,
  accept = call(listener, "accept"),
  write = call(stream, "write", "text"),
  read = call(stream, "read", "l"),
  send = call(queue, "send", 1),
  try_send = call(queue, "try_send", 1),
  try_recv = call(queue, "try_recv"),
  close = call(queue, "close"),
  length = function()
    return #queue
  end,
  text = function()
    return tostring(queue)
  end,
  equal = function()
    return queue == rt.channel()
  end,
  get = call(dict, "get", "key"),
  set = call(dict, "set", "key", 1),
  incr = call(dict, "incr", "key"),
  update = call(dict, "update", "key", print),
  try_lock = call(mutex, "try_lock"),
  with = call(mutex, "with", print),
  try_acquire = call(permits, "try_acquire"),
  release = call(permits, "release"),
  limiter_acquire = call(limiter, "acquire"),
  limiter_available = call(limiter, "available"),
  notify_one = call(notify, "notify_one"),
  watch_get = call(watch, "get"),
  watch_set = call(watch, "set", 2),
  changed = call(watcher, "recv"),
  next_change = call(watcher, "try_recv"),
  barrier = call(barrier, "wait"),
  broadcast = call(broadcast, "send", 1),
  recv = call(subscriber, "try_recv"),
  once = call(once, "get", print),
  select = function()
    rt.select(operation)
  end,
  status = call(here, "status"),
  cancel = call(here, "cancel"),
  job_status = call(pooled, "status"),
  job_cancel = call(pooled, "cancel"),
  shutdown = function()
    rt.shutdown(1)
  end,
  on_unhandled = function()
    rt.on_unhandled(print)
  end,
  metrics = rt.metrics,
  tasks = rt.tasks,
  dump = function()
    rt.dump("/dev/null")
  end,
}
local pid = fork()
if pid == 0 then
  for name, f in pairs(refusals) do
    local ok, why = pcall(f)
    if ok or not tostring(why):find("rt cannot be used in a child of fork", 1, true) then
      io.stderr:write(name, ": ", tostring(ok), " ", tostring(why), "\n")
    end
  end
  os.exit(3)
end
print("refusals", wait(pid))
here:join()
print(
  "exit",
  child(function()
    os.exit(5, true)
  end)
)
local function exit_in_child(library)
  local pid = assert(package.loadlib(library, "spec_fork"))()
  if pid == 0 then
    os.exit(5, true)
  end
  return assert(package.loadlib(library, "spec_wait"))(pid)
end
print(
  "exits",
  rt.spawn_local(exit_in_child, os.getenv("FORK")):join(),
  rt.spawn(exit_in_child, os.getenv("FORK")):join(),
  rt.spawn_blocking(exit_in_child, os.getenv("FORK")):join()
)
print(
  "signal",
  child(function()
    os.execute("kill -TERM $PPID; sleep 5")
  end)
)
print(
  "task",
  child(function() end),
  rt.run(function()
    local in_child = false
    rt.spawn_local(function() -- ready, and runs in the parent alone
      if in_child then
        io.stderr:write("a task of the parent runs in the child\n")
      end
    end)
    local pid = fork()
    if pid == 0 then
      in_child = true
      return -- to the loop
    end
    return wait(pid)
  end)
)
print(
  "pool",
  rt.spawn(function()
    local fork_there = package.loadlib(os.getenv("FORK"), "spec_fork")
    local pid = fork_there()
    if pid == 0 then
      os.execute("exit 6")
      os.exit(
        tonumber((io.open("/proc/thread-self/status"):read("a"):match("SigBlk:%s*(%x+)")), 16) == 0
            and 7
          or 8
      )
    end
    return package.loadlib(os.getenv("FORK"), "spec_wait")(pid)
  end):join()
)

local last = fork()
if last == 0 then
  return -- the main chunk ends, and with it the child
end
print("main", wait(last))
assert(ask("after") == "after")
assert(rt.spawn(function()
  return 2
end):join() == 2)
print("served")
io.stdout:flush()
os.exit(0, true)
