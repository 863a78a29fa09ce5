--- A task of the pool fails whose handle is gone.
local rt = require("rt")

local ch = rt.channel()
rt.spawn(function()
  ch:send(true)
  error("lost")
end)
ch:recv()
collectgarbage()
rt.sleep(0.05)
collectgarbage()
rt.sleep(0.05)
print("end")
