--- The handler of unhandled errors raises an error, while the main chunk waits.
local rt = require("rt")
local wait = require("wait")

local calls = 0
rt.on_unhandled(function()
  calls = calls + 1
  print("call " .. calls)
  error("the handler fails")
end)
rt.spawn_local(error, "boom", 0)
wait.until_true(function()
  return calls > 0
end, "the call of the handler")
