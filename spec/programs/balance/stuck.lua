--- One worker is stuck in a C function, the other one computes, until all of ten tasks have run. Argument: a FIFO.
local rt = require("rt")
local spin = require("spin")

rt.configure { workers = 2 }
local fifo = arg[1]
local begun, go_on = rt.channel(2), rt.dict()

--- Opens the FIFO, which ends when it is opened for writing.
local function get_stuck()
  begun:send(true)
  io.open(fifo, "r"):close()
end

local function compute()
  begun:send(true)
  while not go_on:get("go on") do
    spin.once()
  end
end

local stuck = rt.spawn(get_stuck)
begun:recv()
local computing = rt.spawn(compute)
begun:recv()

local tasks = {}
for i = 1, 10 do
  tasks[i] = rt.spawn(function() end)
end
for i = 1, 10 do
  tasks[i]:join()
end
print("begun")
go_on:set("go on", true)
io.open(fifo, "w"):close()
stuck:join()
computing:join()
