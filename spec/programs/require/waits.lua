--- A module that waits while it loads, and counts how often it was loaded.
local rt = require("rt")

rt.sleep(0.02)
loads = (loads or 0) + 1
return { name = ..., where = select(2, ...) }
