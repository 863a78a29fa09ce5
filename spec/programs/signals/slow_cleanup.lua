--- A task of the pool that is in a command when the time for cleanup after a signal is over. What the
--- main state has to do at the end comes after that.
local rt = require("rt")

_G.at_the_end = setmetatable({}, {
  __gc = function()
    print("finalized")
  end,
})

local begun = rt.channel(1)
rt.spawn(function()
  local _ <close> = setmetatable({}, {
    __close = function()
      os.execute("exec sleep 7")
    end,
  })
  begun:send(true)
  rt.sleep(math.huge)
end)
begun:recv()
print("ready")
rt.sleep(math.huge)
