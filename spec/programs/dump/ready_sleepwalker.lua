--- A task of the pool executes a command that prints "ready" and goes on for a while; the main
--- chunk computes.
local rt = require("rt")
local slow = require("slow")

--- The thread sanitizer delivers a signal only in calls that it intercepts, such as malloc.
local in_tsan = os.getenv("RT_FLAVOR") == "tsan"

local ch = rt.channel(1)
rt.spawn(function()
  ch:send(1)
  os.execute("echo ready; exec sleep " .. 60 * slow)
end).name =
  "sleepwalker"
ch:recv()
while true do
  if in_tsan then
    local _ = ("x"):rep(100000)
  end
end
