--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- TCP: listen, connect, echo, the formats of read, lines, names, errors.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0, { backlog = 16 }))
local host, port, family = listener:sock()
right(
  host == "127.0.0.1" and family == "inet" and tostring(listener):find(":" .. port),
  "its address"
)

local client = assert(rt.tcp.connect(host, port, { timeout = 30 }))
local server = assert(oom.accept(listener))

local function serve()
  local stream <close> = server
  while true do
    local line, message = stream:read("L")
    if not line then
      if message then
        error(message, 0)
      end
      break
    end
    assert(stream:write(line))
  end
  assert(stream:shutdown())
  return "served"
end

local function ask()
  local stream <close> = client
  assert(stream:nodelay(true))
  assert(stream:keepalive(10))
  right(select(2, stream:peer()) == port and tostring(stream):find("127.0.0.1"), "its peer")
  assert(stream:write("one line\n", 12, " ", 0x10, "\n", "rest\n", "abcdef\n"))
  local line, message = stream:recv(4)
  right(assert(line, message or "wrong: the end") == "one ", "recv")
  line, message = stream:read("l")
  right(assert(line, message) == "line", "a line")
  local a, b, c = stream:read("n", "n", "L")
  if not a then
    error(b or "wrong: no number", 0)
  end
  right(a == 12 and b == 16 and c == "\n", "numbers")
  line, message = stream:read(5)
  right(assert(line, message) == "rest\n", "so many bytes")
  for text in stream:lines() do
    right(text == "abcdef", "lines")
    break
  end
  assert(stream:shutdown())
  local rest
  rest, message = stream:read("a")
  right(assert(rest, message) == "" and stream:read("l") == nil and stream:recv() == nil, "the end")
  return "asked"
end

local a, b = oom.join(rt.spawn_local(serve), rt.spawn_local(ask))
right(a == "served" and b == "asked", "both ends")

--- a connection that the garbage collector closes
do
  local one, other = assert(rt.tcp.connect(host, port)), assert(oom.accept(listener))
  right(one ~= other, "two ends")
end
listener:close()
local none, message, code = rt.tcp.connect(host, port)
right(none == nil and type(message) == "string", "nobody listens")
if code ~= "ECONNREFUSED" then
  error(message, 0)
end
local ok, err = pcall(listener.accept, listener)
right(not ok, "closed")
if not err:find("closed listener") then
  error(err, 0)
end
return true
