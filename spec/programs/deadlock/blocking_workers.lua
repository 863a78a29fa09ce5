--- Every worker of the blocking pool waits for a job of that pool, which finds no worker.
local rt = require("rt")

rt.configure { blocking = 2 }
local b = rt.barrier(2)
local function outer()
  b:wait()
  return rt.spawn_blocking(function()
    return 1
  end):join()
end
local a, c = rt.spawn_blocking(outer), rt.spawn_blocking(outer)
a:join()
