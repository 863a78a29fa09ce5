--- Opens a file and a command while another thread reads what a command writes. The argument is a fifo.
local rt = require("rt")

local fifo = arg[1]
local reads = rt.channel(1)
local reader = rt.spawn_blocking(function(path)
  local command = io.popen("exec cat " .. path)
  reads:send(true)
  return command:read("a"), command:close()
end, fifo)
reads:recv()
rt.sleep(0.05) -- it reads now, or soon: either is good
local command = io.popen("echo said")
print(command:read("a"), command:close())
print(rt.spawn(function()
  return io.popen("echo said in the pool"):read()
end):join())
local f = assert(io.open(fifo, "w"))
f:write("read")
f:close()
print(reader:join())
