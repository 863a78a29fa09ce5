--- A task that is not joined raises a value (arg[1], a Lua expression).
local rt = require("rt")

local value = assert(load("return " .. arg[1]))()
rt.spawn_local(function()
  error(value)
end)
rt.sleep(0.02)
