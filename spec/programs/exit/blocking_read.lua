--- Ends while a task of spawn_blocking or (argument "pool") of the pool reads stdin.
local rt = require("rt")

rt.configure { stall = false } -- the task is stuck, and a busy machine sees that for a while

local reads = rt.channel(1)

local function read()
  local _ <close> = setmetatable({}, {
    __close = function()
      print("closed")
    end,
  })
  reads:send(true)
  local line = io.read()
  print(line:upper())
end

local task = arg[1] == "pool" and rt.spawn(read) or rt.spawn_blocking(read)
task.name = "reader"
reads:recv()
