-- A local task of a pool worker fails, and its handle is kept: the worker tells that while its task waits.
local rt = require("rt")
rt.configure { unjoined = 0.05, workers = 1 }
local told = rt.channel(1)
local outer = rt.spawn(function()
  rt.on_unhandled(function(err)
    told:send(err)
  end)
  local task = rt.spawn_local(error, "in the pool", 0)
  told:send(told:recv())
  return select(2, pcall(task.join, task))
end)
print(outer:join(), told:recv())
