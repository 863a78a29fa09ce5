--- The program ends while three tasks compute.
--   at_the_end.lua SPAWN BODY
local rt = require("rt")
local spin = require("spin")

local bodies = {
  loop = spin.forever,
  swallowing = spin.swallowing,
  sleeping_loop = function()
    pcall(rt.sleep, 100)
    spin.forever()
  end,
  sleeping_swallowing = function()
    pcall(rt.sleep, 100)
    spin.swallowing()
  end,
  shortly_sleeping_swallowing = function()
    pcall(rt.sleep, 0.01)
    spin.swallowing()
  end,
  local_task = function()
    rt.spawn_local(spin.swallowing)
    rt.sleep(100)
  end,
  shielded = function()
    rt.shield(function()
      pcall(rt.sleep, 0.2)
      spin.forever()
    end)
  end,
  critical = function()
    rt.critical(spin.forever)
  end,
}

for _ = 1, 3 do
  rt[arg[1]](bodies[arg[2]])
end
rt.sleep(0.05)
