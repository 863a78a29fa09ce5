--- Calls os.exit, in a way (arg[1]), in a task that has variables to close.
local guard = require("guard")
local rt = require("rt")

local ways = {
  ["os.exit"] = function()
    os.exit(0, true)
  end,
  ["pcall"] = function()
    pcall(os.exit, 0, true)
  end,
  ["coroutine.wrap"] = function()
    coroutine.wrap(os.exit)(0, true)
  end,
}
rt.run(function()
  local o <close> = guard("outer")
  local i <close> = guard("inner")
  ways[arg[1]]()
  print("goes on")
end)
