--- Loops that do not end, on one worker: one after the other is cancelled. Prints the longest time, in
--- ms of CPU time, until a loop has ended. Argument: loops.
local rt = require("rt")
local spin = require("spin")

local loops = tonumber(arg[1])
rt.configure { workers = 1 }

local begun = rt.channel(loops)
local tasks = {}
for i = 1, loops do
  tasks[i] = rt.spawn(function()
    begun:send(true)
    spin.forever()
  end)
end
for _ = 1, loops do
  begun:recv()
end

local longest = 0
for i = 1, loops // 2 do
  local start = os.clock()
  tasks[i]:cancel()
  pcall(tasks[i].join, tasks[i])
  longest = math.max(longest, os.clock() - start)
end
print(longest * 1000)
os.exit(0)
