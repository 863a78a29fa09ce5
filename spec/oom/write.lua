--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- TCP: more than the socket takes at once, to a peer that reads slowly; reads that wait.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
local block = ("0123456789abcdef"):rep(4096)
local TIMES = 48

local writer = assert(rt.tcp.connect("127.0.0.1", port))
local slow = assert(oom.accept(listener))

local function send()
  local stream <close> = writer
  local pieces = {}
  for i = 1, TIMES do
    pieces[i] = block
  end
  assert(stream:write(table.unpack(pieces)))
  assert(stream:write("the end\n"))
  return TIMES * #block
end

local function receive()
  local stream <close> = slow
  local first, message = stream:read(#block)
  right(assert(first, message or "wrong: the end came early") == block, "the first block")
  local total = #first
  rt.yield()
  while total < TIMES * #block do
    local data, why = stream:recv(TIMES * #block - total)
    total = total + #assert(data, why or "wrong: the end came early")
  end
  local line, why = stream:read("l")
  right(assert(line, why or "wrong: no last line") == "the end", "the last line")
  return total
end

local sent, received = oom.join(rt.spawn_local(send), rt.spawn_local(receive))
right(sent == received, "all of it")

--- A reader that times out has lost nothing.
local client <close> = assert(rt.tcp.connect("127.0.0.1", port))
local server <close> = assert(oom.accept(listener))
assert(client:write("half "))
local none, why = rt.timeout(0.001, server.read, server, "l")
if why ~= "timeout" then
  error(why, 0)
end
assert(client:write("a line\n"))
local line, message = server:read("l")
right(none == nil and assert(line, message) == "half a line", "nothing is lost")
--- One reader at a time; closing ends it.
local reader = rt.spawn_local(function()
  return server:read("l")
end)
rt.yield()
local busy, _, code = server:read("l")
right(busy == nil, "a second reader")
server:close()
local nothing, cause = reader:join()
right(nothing == nil and type(cause) == "string", "closing ends the read")
if code ~= "EBUSY" then
  error(cause, 0)
end
return true
