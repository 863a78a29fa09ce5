--- A task raises an object whose __tostring is arg[1], the body of a function. If arg[2] is "dropped", the handle of
--- the task is dropped; otherwise it is kept to the end. Then another task fails.
local rt = require("rt")

_G.first = rt.spawn_local(function()
  error(setmetatable({}, { __tostring = load(arg[1]) }))
end)
if arg[2] == "dropped" then
  _G.first = nil
end
rt.sleep(0.05)
_G.second = rt.spawn_local(error, "the next one")
rt.sleep(0.05)
