--- The main chunk sleeps.
local guard = require("guard")
local rt = require("rt")

io.stdout:setvbuf("line")
local g <close> = guard("main")
print("ready")
rt.sleep(60)
print("not reached")
