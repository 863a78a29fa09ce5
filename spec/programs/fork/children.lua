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

local refusals = {
  sleep = function()
    rt.sleep(0.01)
  end,
  spawn = function()
    rt.spawn(print)
  end,
  spawn_local = function()
    rt.spawn_local(print):join()
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
}
for name, f in pairs(refusals) do
  print(
    name,
    child(function()
      local ok, why = pcall(f)
      local clear = not ok and tostring(why):find("rt cannot be used in a child of fork", 1, true)
      if not clear then
        io.stderr:write(name, " ", tostring(why), "\n")
      end
      os.exit(clear and 3 or 4)
    end)
  )
end
print(
  "exit",
  child(function()
    os.exit(5, true)
  end)
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
