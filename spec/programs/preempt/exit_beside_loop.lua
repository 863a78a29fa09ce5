--- os.exit from a task of the pool while a local task computes.
local rt = require("rt")
local spin = require("spin")

rt.spawn(function()
  rt.sleep(0.05)
  os.exit(7, true)
end)
rt.spawn_local(spin.forever):join()
