--- A program that is ended by a signal waits for ever in its cleanup.
local rt = require("rt")

io.stdout:setvbuf("line")
rt.spawn_local(print, "ready") -- it runs when the main chunk waits, in pcall
pcall(rt.sleep, 100)
rt.shield(function()
  rt.channel():recv()
end)
