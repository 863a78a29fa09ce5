--- The main chunk raises an error, by a call (arg[1]), while tasks wait.
local guard = require("guard")
local rt = require("rt")

rt.spawn_local(function()
  local g <close> = guard("sleeper")
  rt.sleep(1000)
end)
rt.spawn_local(function()
  local g <close> = guard("joiner")
  rt.spawn_local(rt.sleep, 1000):join()
end)
local m <close> = guard("main")
rt.sleep(0.01)
local calls = {
  error = function()
    error("main fails")
  end,
  ["rt.run"] = function()
    rt.run(error, "main fails")
  end,
  ["rt.join"] = function()
    rt.join(error)
  end,
}
calls[arg[1]]()
