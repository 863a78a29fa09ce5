--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- TCP by name: threads of the thread pool, answers, errors, lookups that are cancelled.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
local client <close> = assert(rt.tcp.connect("localhost", port))
local server <close> = assert(oom.accept(listener))
right(select(2, client:peer()) == port and server, "by name")
local none, message, code = rt.tcp.connect("no-such-host.invalid", 1)
right(none == nil and type(message) == "string", "nobody has this name")
if code ~= "ENOTFOUND" then
  error(message, 0)
end
local tasks = {}
for i = 1, 4 do
  local name = i == 3 and "localhost" or "no-such-host.invalid" -- (localhost is not looked up)
  tasks[i] = rt.spawn_local(rt.tcp.connect, name, port, { timeout = i == 4 and 0 or nil })
end
tasks[1]:cancel()
rt.yield()
tasks[2]:cancel()
pcall(tasks[2].join, tasks[2])
local stream, why = tasks[3]:join()
assert(stream, why):close()
tasks[4]:join()
return true
