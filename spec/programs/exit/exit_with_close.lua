--- Calls os.exit at a place (arg[1]) with arguments (arg[2], Lua expressions), which say that the state is closed.
local guard = require("guard")
local rt = require("rt")

local arguments = assert(load("return " .. arg[2]))
_G.at_end = setmetatable({}, {
  __gc = function()
    print("finalized")
  end,
})
local m <close> = guard("main")
rt.spawn_local(function()
  local g <close> = guard("sleeper")
  rt.sleep(1000)
end)
rt.yield()
require("exit_places")[arg[1]](function()
  os.exit(arguments())
end)
