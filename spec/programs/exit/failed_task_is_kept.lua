--- The handle of a task that has failed is kept to the end.
local rt = require("rt")

_G.task = rt.spawn_local(error, "kept")
rt.sleep(0.05)
print(_G.task:status())
