--- Another library has a handler for SIGURG.
local uv = require("luv")
local rt = require("rt")

local signal = uv.new_signal()
signal:start("sigurg", function() end)
local a, b = rt.spawn(function()
  return 1
end), rt.spawn(function()
  return 2
end)
print(a:join() + b:join())
print(rt.timeout(0.01, rt.sleep, 1))
rt.spawn_local(function()
  rt.sleep(0.01)
end):join()
signal:close()
uv.run("nowait")
