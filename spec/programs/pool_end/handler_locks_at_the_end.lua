--- The handler of unhandled errors waits for a mutex, at the end, for each of two errors.
local rt = require("rt")

_G.m = rt.mutex()
rt.on_unhandled(function()
  _G.m:with(function()
    rt.sleep(0.01)
  end)
end)
rt.spawn_local(error, "a")
rt.spawn_local(error, "b")
rt.yield()
