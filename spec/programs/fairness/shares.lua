--- Tasks that compute for ever, beside tasks that wait and compute a little: prints, for each worker,
--- the shortest and the longest time that a task of it has computed. (A longer pause is not counted:
--- other tasks have run, or other processes.) Arguments: loops; workers; seconds.
local rt = require("rt")
local spin = require("spin")

local loops, workers, seconds = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
rt.configure { workers = workers }

local state, begun = rt.dict(), rt.channel(loops)
state:set("phase", 0) -- 1: the time counts; 2: the tasks end

local function compute()
  begun:send(true)
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

local function wait_and_compute()
  repeat
    rt.sleep(0.01)
    local n = 0
    for i = 1, 10000 do
      n = n + i
    end
  until state:get("phase") == 2
end

local tasks, others, worker_of, shares = {}, {}, {}, {}
for i = 1, loops do
  tasks[i] = rt.spawn(compute)
end
for _ = 1, loops do
  begun:recv()
end
for i = 1, workers do
  others[i] = rt.spawn(wait_and_compute)
end
for _, info in ipairs(rt.tasks()) do
  worker_of[info.id] = info.worker
end
state:set("phase", 1)
rt.sleep(seconds)
state:set("phase", 2)
for _, task in ipairs(tasks) do
  local time, worker = task:join(), worker_of[task.id]
  shares[worker] = shares[worker] or { time, time }
  shares[worker][1] = math.min(shares[worker][1], time)
  shares[worker][2] = math.max(shares[worker][2], time)
end
for _, task in ipairs(others) do
  task:join()
end
for _, share in pairs(shares) do
  print(share[1], share[2])
end
