--- A handler of unhandled errors is set, and removed.
local rt = require("rt")

rt.on_unhandled(print)
rt.on_unhandled(nil)
rt.spawn_local(error, "boom", 0)
rt.sleep(0.02)
