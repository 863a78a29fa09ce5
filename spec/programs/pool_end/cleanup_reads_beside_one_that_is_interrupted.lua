--- At the end one task is blocked in a read, again each time it is interrupted; another one, which
--- waited, reads from a command in its cleanup, and the watchdog sends its thread a signal. The second
--- one is spawned when the first has a worker for itself. Argument: a FIFO.
local rt = require("rt")
local fifo = arg[1]

rt.configure { workers = 2, stall = 0.3 }
local begun = rt.channel(1)

rt.spawn(function()
  local f = assert(io.open(fifo, "r+"))
  local function read_for_ever()
    while true do
      f:read(1)
    end
  end
  begun:send(true)
  while true do
    pcall(read_for_ever)
  end
end)
begun:recv()

rt.spawn(function()
  local _ <close> = setmetatable({}, {
    __close = function()
      rt.shield(4, function()
        local f = assert(io.popen("sleep 0.8; echo read"))
        print(f:read("l"))
        f:close()
      end)
    end,
  })
  begun:send(true)
  rt.sleep(60)
end)

begun:recv()
