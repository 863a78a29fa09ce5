--- The main chunk catches every error that its waits raise.
local guard = require("guard")
local rt = require("rt")

io.stdout:setvbuf("line")
local g <close> = guard("main")
print("ready")
while true do
  pcall(rt.sleep, 60)
end
