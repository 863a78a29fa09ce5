--- Tasks that wait, beside tasks that compute for ever: prints the longest of 100 times, but one, in
--- which an empty task was spawned and joined, a sleep of 5 ms ended, and a line was sent and came
--- back. The times are ms of CPU time of each worker, so that other processes do not count.
--- Arguments: loops; workers.
local rt = require("rt")
local spin = require("spin")

local loops, workers = tonumber(arg[1]), tonumber(arg[2])
rt.configure { workers = workers }

local go_on = rt.dict()
local begun = rt.channel(loops)
local function compute()
  begun:send(true)
  while not go_on:get("go on") do
    spin.once()
  end
end

local tasks = {}
for i = 1, loops do
  tasks[i] = rt.spawn(compute)
end
for _ = 1, loops do
  begun:recv()
end

local function p99(f)
  local times = {}
  for i = 1, 100 do
    local t0 = os.clock()
    f()
    times[i] = (os.clock() - t0) / workers
    rt.sleep(0.003)
  end
  table.sort(times)
  return times[99] * 1000
end

local empty = p99(function()
  rt.spawn(function() end):join()
end)

local timer = rt.spawn(function()
  return p99(function()
    rt.sleep(0.005)
  end)
end):join()

local server = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
  for line in stream:lines() do
    stream:write(line .. "\n")
  end
end))
local _, port = server:address()
local stream = assert(rt.tcp.connect("127.0.0.1", port))
local echo = p99(function()
  stream:write("x\n")
  stream:read("l")
end)
stream:close()
server:close()

print(("%.1f %.1f %.1f"):format(empty, timer, echo))
go_on:set("go on", true)
for _, task in ipairs(tasks) do
  task:join()
end
