--- A module that joins a task of the pool while it loads.
local rt = require("rt")

return rt.spawn(function()
  rt.sleep(0.02)
  return { name = "from the pool" }
end):join()
