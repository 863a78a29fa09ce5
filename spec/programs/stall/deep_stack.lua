--- A task that blocks below a hundred thousand functions.
local rt = require("rt")

local function deep(n)
  if n == 0 then
    return io.popen("sleep 0.5"):read("a")
  end
  local text = deep(n - 1)
  return text
end

rt.spawn(deep, 100000):join()
