--- Cancels a task that is in the queue of a worker which computes, and to which a listener has moved; then listens on
--- the same port.
local rt = require("rt")

local stop = rt.dict()
local blocker = rt.spawn(function()
  rt.critical(function()
    while not stop:get(1) do
    end
  end)
end)
local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
local queued = rt.spawn(function(l)
  return l:accept()
end, listener)
print(queued:cancel(), queued:status())
assert(rt.tcp.listen("127.0.0.1", port)):close()
stop:set(1, true)
blocker:join()
print(queued:status())
