--- The main chunk waits in a loop, and catches every error.
local rt = require("rt")

io.stdout:setvbuf("line")
print("ready")
print(pcall(rt.sleep, 60))
print(pcall(rt.sleep, 60))
os.exit(rt.sleep(60))
