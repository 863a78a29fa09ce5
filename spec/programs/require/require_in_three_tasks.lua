--- Two tasks and a coroutine of one require the same module while it loads.
local rt = require("rt")

local function get()
  return (require("waits"))
end
local generator = coroutine.wrap(function()
  coroutine.yield((require("waits")))
end)
local a, b, c = rt.join(get, get, generator)
print(a == b and b == c and c == require("waits"), loads)
