--- A task fails whose handle is gone; the main chunk sleeps. arg[1]: how it is spawned.
local rt = require("rt")

io.stdout:setvbuf("line")
rt[arg[1] or "spawn_local"](error, "dropped")
print("ready")
rt.sleep(60)
