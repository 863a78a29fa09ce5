--- A call whose caller is timed out, and whose cleanup fails: only the caller gets the error.
local rt = require("rt")

local begun = rt.channel(1)
local caller = rt.spawn_local(rt.call, function()
  local _ <close> = setmetatable({}, {
    __close = function()
      error("the cleanup failed", 0)
    end,
  })
  begun:send(true)
  rt.sleep(math.huge)
end)
begun:recv()
caller:cancel()
print(select(2, pcall(caller.join, caller)))
