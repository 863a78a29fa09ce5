--- At the end a pool task is blocked in a read, and there is no free descriptor until a local task has
--- cleaned up. Argument: a FIFO.
local rt = require("rt")
local fifo = arg[1]
local begun = rt.channel(1)

rt.configure { workers = 1, stall = false }

rt.spawn(function()
  local f = assert(io.open(fifo, "r+"))
  local _ <close> = setmetatable({}, {
    __close = function()
      print("unwound")
    end,
  })
  begun:send(true)
  f:read(1)
  rt.yield()
end)
begun:recv()

rt.spawn_local(function()
  local files = {}
  local _ <close> = setmetatable({}, {
    __close = function()
      rt.shield(rt.sleep, 0.35)
      for _, f in ipairs(files) do
        f:close()
      end
    end,
  })
  repeat
    files[#files + 1] = io.open("/dev/null")
  until not io.open("/dev/null")
  rt.sleep(60)
end)
rt.yield()
