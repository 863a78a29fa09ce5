--- At the end a task is in a read inside of rt.shield or rt.critical (the argument).
local rt = require("rt")
local protect = rt[arg[1]]
local begun = rt.channel(1)

rt.spawn(function()
  protect(function()
    local f = assert(io.popen("sleep 0.8; echo read"))
    begun:send(true)
    print(f:read("l"))
    f:close()
  end)
end)

begun:recv()
