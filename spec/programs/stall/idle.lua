--- Prints how often the threads of a process with four idle workers went to sleep within 1.5 s.
local rt = require("rt")
local slow = require("slow")

local function switches()
  local n = 0
  for path in io.popen("ls /proc/$PPID/task"):lines() do
    local f = io.open("/proc/self/task/" .. path .. "/status")
    n = n + (f and tonumber(f:read("a"):match("\nvoluntary_ctxt_switches:%s*(%d+)")) or 0)
    if f then
      f:close()
    end
  end
  return n
end

local ch = rt.channel(1)
for _ = 1, 4 do
  rt.spawn(function()
    ch:recv()
  end)
end
rt.sleep(0.5 * slow)
local before = switches()
rt.sleep(1.5)
print(switches() - before)
for _ = 1, 4 do
  ch:send(1)
end
