-- Two ports at once: each listener moves to a pool task, which accepts one client and counts what
-- the client sends. The clients may come in any order; main joins both tasks.
-- Run:  build/lua5.4/rt-lua examples/two_listeners.lua [port [port]]    (7006 7007; 0: any free)
-- Then: seq 1000 | nc -N 127.0.0.1 7007; seq 10 | nc -N 127.0.0.1 7006
local rt = require("rt")

local function count_one(moved)
  local listener <close> = moved
  local stream <close> = assert(listener:accept())
  local lines, bytes = 0, 0
  for line in stream:lines("L") do
    lines, bytes = lines + 1, bytes + #line
  end
  stream:write(lines, " lines, thank you\n")
  return { lines = lines, bytes = bytes }
end

local function listen(port)
  local listener = assert(rt.tcp.listen("127.0.0.1", port))
  local _, bound = listener:sock()
  print("listening on 127.0.0.1:" .. bound)
  return bound, listener
end

local first_port, first = listen(tonumber(arg[1] or 7006))
local second_port, second = listen(tonumber(arg[2] or 7007))
io.stdout:flush()

local tasks = { rt.spawn(count_one, first), rt.spawn(count_one, second) }
assert(tostring(first) == "rt.listener (moved)") -- it belongs to the task now

local a, b = rt.join(tasks[1], tasks[2])
print(("port %d: %d lines, %d bytes"):format(first_port, a.lines, a.bytes))
print(("port %d: %d lines, %d bytes"):format(second_port, b.lines, b.bytes))
print(("in all: %d lines"):format(a.lines + b.lines))

-- expect~: listening on 127%.0%.0%.1:%d+
-- expect~: listening on 127%.0%.0%.1:%d+
-- expect~: port %d+: %d+ lines, %d+ bytes
-- expect~: port %d+: %d+ lines, %d+ bytes
-- expect~: in all: %d+ lines
