--- Calls every function of rt, and every method and metamethod of its objects, also those that a
--- program can only reach through the metatable, with values that do not belong there. Each call may
--- raise or return; the process must live.
local rt = require("rt")
local core = require("rt.core")

local function endless()
  rt.sleep(math.huge)
end

local function server()
  return assert(rt.tcp.serve("127.0.0.1", 0, endless, { balance = "handoff" }))
end

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local mutex, semaphore = rt.mutex {}, rt.semaphore(3)
local watch, broadcast = rt.watch(1), rt.broadcast(2)
local _, cancelled = pcall(function()
  local task = rt.spawn_local(endless)
  task:cancel()
  task:join()
end)
local objects = {
  task = rt.spawn_local(endless),
  pool_task = rt.spawn(endless),
  cancelled = cancelled,
  listener = listener,
  stream = assert(rt.tcp.connect("127.0.0.1", select(2, listener:sock()))),
  channel = rt.channel(1),
  operation = rt.sleep_op(1),
  default = rt.default_op(),
  group = core.internal.group(),
  dict = rt.dict(),
  mutex = mutex,
  guard = mutex:lock(),
  semaphore = semaphore,
  permit = semaphore:acquire(),
  limiter = rt.limiter { rate = 10 },
  notify = rt.notify(),
  barrier = rt.barrier(2),
  once = rt.once(endless),
  watch = watch,
  watcher = watch:subscribe(),
  broadcast = broadcast,
  subscriber = broadcast:subscribe(),
  interval = rt.interval(1),
  server = server(),
}
rt.scope(function(scope)
  objects.scope = scope
end)

--- Values of each type; userdata of other libraries and of rt. Each call makes them anew, since a
--- call may close one.
local function values()
  return {
    0,
    -1,
    1e300,
    0 / 0,
    "text",
    "",
    {},
    setmetatable({}, { __name = "rt.scope" }),
    tostring,
    coroutine.create(endless),
    io.stderr,
    true,
    rt.mutex {},
    rt.sleep_op(0),
    rt.default_op(),
    rt.channel(1),
    rt.dict(),
    rt.spawn_local(function() end),
  }
end

--- What ends the program, or stays in force for the rest of it.
local skipped = {
  shutdown = true,
  dump = true,
  print = true,
  on_unhandled = true,
  preload = true,
  configure = true,
}

local checked = 0
local function try(f, ...)
  local given = table.pack(...)
  pcall(rt.timeout, 0, function()
    pcall(f, table.unpack(given, 1, given.n))
  end)
  checked = checked + 1
end

local function try_all(f)
  try(f)
  for _, x in ipairs(values()) do
    try(f, x)
    try(f, x, x)
    try(f, x, x, x)
  end
  for _, other in pairs(objects) do
    try(f, other)
  end
end

--- The functions of a table, and of what is inside of it. A function that is a field has tables
--- as upvalues, which may hold the methods.
local seen = {}
local function visit(value)
  if type(value) == "table" and not seen[value] then
    seen[value] = true
    for key, inner in pairs(value) do
      if not skipped[key] and not tostring(key):find("^original ") then
        visit(inner)
      end
    end
  elseif type(value) == "function" and not seen[value] then
    seen[value] = true
    if debug.getinfo(value, "S").what == "C" then
      local i, upvalue = 1, select(2, debug.getupvalue(value, 1))
      while upvalue ~= nil do
        visit(upvalue)
        i = i + 1
        upvalue = select(2, debug.getupvalue(value, i))
      end
    end
    try_all(value)
  end
end

for _, object in pairs(objects) do
  visit(debug.getmetatable(object))
end
visit(rt)
visit(core)
collectgarbage() -- the finalizers of what was called by hand
collectgarbage()
assert(checked > 10000, checked)
print("right")
os.exit(0)
