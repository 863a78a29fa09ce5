--- Prints "ready" when the main chunk and a task wait, each with a variable to close.
local guard = require("guard")
local rt = require("rt")

io.stdout:setvbuf("line")
local m <close> = guard("main")
rt.spawn_local(function()
  local g <close> = guard("sleeper")
  rt.sleep(1000)
end)
rt.spawn_local(function()
  print("ready")
end)
rt.sleep(1000)
