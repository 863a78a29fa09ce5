--- Prints "ready" when a task computes without an end, and the main chunk waits. arg[1] is "join": in
--- rt.join, for that task.
local guard = require("guard")
local rt = require("rt")
local spin = require("spin")

io.stdout:setvbuf("line")
local m <close> = guard("main")
local function busy()
  local g <close> = guard("busy")
  print("ready")
  spin.forever()
end

if arg[1] == "join" then
  rt.join(busy)
end
rt.spawn_local(busy)
rt.sleep(1000)
