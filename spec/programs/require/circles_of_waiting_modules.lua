--- Modules that wait require each other in a circle, or one requires itself in a task.
local rt = require("rt")

local function get(name)
  return function()
    local ok, message = pcall(require, name)
    assert(ok or message:find("requires itself, in a circle", 1, true), message)
    return ok
  end
end
local a, b = rt.join(get("waits_circle1"), get("waits_circle2"))
print(a, b, rt.run(get("waits_circle1")), rt.run(get("waits_self")))
