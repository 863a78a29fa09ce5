--- Two tasks require a module that joins a task of the pool.
local rt = require("rt")

local function get()
  return (require("waits_joins"))
end
local a, b = rt.join(get, get)
print(a.name, a == b)
