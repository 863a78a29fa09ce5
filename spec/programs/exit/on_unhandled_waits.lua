--- The handler of unhandled errors waits; the main chunk runs until it has been called.
local rt = require("rt")
local wait = require("wait")

local told
rt.on_unhandled(function(e)
  rt.sleep(0.01)
  told = e
end)
rt.spawn_local(error, "boom", 0)
wait.until_true(function()
  return told
end, "the call of the handler")
print("told", told)
