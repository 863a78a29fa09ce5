--- A blocking job executes a command, which prints "ready" and sleeps; the main chunk sleeps, too.
local rt = require("rt")
local slow = require("slow")

rt.spawn_blocking(function()
  os.execute("echo ready; exec sleep " .. slow)
end)
rt.sleep(100)
