--- The main chunk waits again and again, whatever its waits raise.
local rt = require("rt")

io.stdout:setvbuf("line")
print("ready")
print(pcall(rt.sleep, 60))
print(pcall(rt.sleep, 60))
os.exit(rt.sleep(60))
