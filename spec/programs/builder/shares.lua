--- Tasks of all priorities compute on one worker for some seconds: prints the part of the time that the
--- two of each priority have had. Argument: seconds.
local rt = require("rt")
local spin = require("spin")

rt.configure { workers = 1 }
local state = rt.dict()
state:set("phase", 0) -- 1: the time counts; 2: the tasks end

local function compute()
  local time, last, phase = 0, 0, 0
  while phase < 2 do
    phase = state:get("phase")
    local now = rt.now()
    if phase == 1 and now - last < spin.longest_round then
      time = time + now - last
    end
    last = now
    spin.once()
  end
  return time
end

local tasks = {}
for i, priority in ipairs { "idle", "idle", "normal", "normal", "high", "high" } do
  tasks[i] = rt.builder({ name = priority, priority = priority }):spawn(compute)
end
rt.sleep(0.3)
state:set("phase", 1)
rt.sleep(tonumber(arg[1]))
state:set("phase", 2)

local of, sum = {}, 0
for _, task in ipairs(tasks) do
  local time = task:join()
  of[task.name], sum = (of[task.name] or 0) + time, sum + time
end
print(of.high / sum, of.normal / sum, of.idle / sum)
