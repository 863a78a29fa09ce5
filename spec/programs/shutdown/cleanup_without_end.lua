--- A task calls rt.shutdown with 0.2 s, and something (arg[1]) cleans up for longer.
local guard = require("guard")
local rt = require("rt")

local g <close> = guard("main")
rt.spawn(function()
  rt.sleep(0.1)
  rt.shutdown(0.2)
end)

local cleanups = {}

cleanups["the main chunk, shielded"] = function()
  rt.shield(rt.sleep, 1000)
end

cleanups["a task of the pool, shielded"] = function()
  rt.spawn(rt.shield, rt.sleep, 1000)
  rt.sleep(1000)
end

cleanups["a local task, shielded"] = function()
  rt.spawn_local(rt.shield, rt.sleep, 1000)
  rt.sleep(1000)
end

cleanups["a local task that ignores errors"] = function()
  rt.spawn_local(function()
    while true do
      pcall(rt.sleep, 1)
    end
  end)
  rt.sleep(1000)
end

cleanups["the main chunk, which ignores errors"] = function()
  while true do
    pcall(rt.sleep, 1)
  end
end

cleanups[arg[1]]()
