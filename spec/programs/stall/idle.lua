--- Prints how often the threads of a process with four idle workers went to sleep within 1.5 s.
local rt = require("rt")
local slow = require("slow")
local sleeps = require("thread_sleeps")

local ch = rt.channel(1)
for _ = 1, 4 do
  rt.spawn(function()
    ch:recv()
  end)
end
rt.sleep(0.5 * slow)
local before = sleeps()
rt.sleep(1.5)
print(sleeps() - before)
for _ = 1, 4 do
  ch:send(1)
end
