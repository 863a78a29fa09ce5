--- The main chunk is in a busy loop.
local guard = require("guard")

io.stdout:setvbuf("line")
local g <close> = guard("main")
local function busy()
  print("ready")
  while true do
  end
end
busy()
