--- A task that sleeps for ever.
local rt = require("rt")

io.stdout:setvbuf("line")
local t = rt.spawn(function()
  rt.sleep(math.huge)
end)
rt.spawn_local(function()
  print("ready")
end)
t:join()
