--- Cancels a task that is in the queue of a worker which computes.
local rt = require("rt")

local ran, stop = rt.channel(10), rt.dict()
local blocker = rt.spawn(function()
  rt.critical(function()
    while not stop:get(1) do
    end
  end)
end)
local queued = rt.spawn(function()
  ran:send("ran")
end)
print(queued:status(), queued:cancel("why"), queued:status())
local ok, err = pcall(queued.join, queued)
print(ok, tostring(err), err.reason)
stop:set(1, true)
blocker:join()
rt.spawn(function() end):join()
print(ran:try_recv())
