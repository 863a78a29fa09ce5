--- A task is in a busy loop while the main chunk waits.
local guard = require("guard")
local rt = require("rt")

io.stdout:setvbuf("line")
local m <close> = guard("main")
local task = rt.spawn_local(function()
  local g <close> = guard("task")
  print("ready")
  while true do
  end
end)
rt.sleep(60)
