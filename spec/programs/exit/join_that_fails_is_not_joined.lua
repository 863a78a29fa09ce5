--- A task joins one that fails, and is not joined itself.
local rt = require("rt")

local inner = rt.spawn_local(error, "boom", 0)
rt.spawn_local(function()
  inner:join()
end)
rt.sleep(0.01)
