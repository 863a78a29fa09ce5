--- Checks what rt.tasks says of the time that tasks have waited, in a program as young as a tick of the coarse clock.
local rt = require("rt")

rt.spawn_local(function()
  for _, t in ipairs(rt.tasks()) do
    assert((t.waited or 0) < 1000, t.waited)
  end
end):join()
