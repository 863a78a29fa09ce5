--- The main chunk ends while two tasks join each other; a third one joins the first in its cleanup.
local guard = require("guard")
local rt = require("rt")

local a, b
a = rt.spawn_local(function()
  local g <close> = guard("a")
  rt.yield()
  b:join()
end)
b = rt.spawn_local(function()
  local g <close> = guard("b")
  a:join()
end)
rt.spawn_local(function()
  local g <close> = setmetatable({}, {
    __close = function()
      print(pcall(a.join, a))
      print("closed c")
    end,
  })
  rt.sleep(1000)
end)
rt.sleep(0.01)
