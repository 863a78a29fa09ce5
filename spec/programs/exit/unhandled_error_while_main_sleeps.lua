--- A task fails whose handle is gone; the main chunk sleeps.
local rt = require("rt")

io.stdout:setvbuf("line")
rt.spawn_local(error, "dropped")
print("ready")
rt.sleep(60)
