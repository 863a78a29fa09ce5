--- Prints "ready" when a task computes without an end, and the main chunk waits.
local guard = require("guard")
local rt = require("rt")
local spin = require("spin")

io.stdout:setvbuf("line")
local m <close> = guard("main")
rt.spawn_local(function()
  local g <close> = guard("busy")
  print("ready")
  spin.forever()
end)
rt.sleep(1000)
