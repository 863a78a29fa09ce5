--- A program that is ended by a signal waits for ever in its cleanup.
local rt = require("rt")

io.stdout:setvbuf("line")
print("ready")
pcall(rt.sleep, 100)
rt.shield(function()
  rt.channel():recv()
end)
