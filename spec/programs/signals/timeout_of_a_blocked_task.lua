--- A scope whose task is in a call that blocks times out: no signal has come, so the call goes on.
local rt = require("rt")

rt.configure { stall = false }
rt.timeout(0.1, function()
  rt.scope(function(scope)
    scope:spawn(function()
      print(io.popen("sleep 0.7; echo read"):read("l"))
    end)
  end)
end)
