--- An error is raised (arg[1]) in a program that calls rt.shutdown.
local rt = require("rt")

local errors = {}

errors["in a task, before it"] = function()
  local t = rt.spawn(function()
    error("oops")
  end)
  repeat
    rt.sleep(0.01)
  until t:status() == "failed"
  rt.shutdown()
  rt.sleep(1)
end

errors["in the main chunk"] = function()
  rt.shutdown()
  pcall(rt.sleep, 1)
  error("oops")
end

errors["in the main chunk, by Lua"] = function()
  rt.shutdown()
  pcall(rt.sleep, 1)
  print(nil .. "")
end

errors[arg[1]]()
