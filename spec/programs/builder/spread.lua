--- A task of the pool spawns eight tasks that wait, with `spread`: prints how many each of two workers
--- has begun.
local rt = require("rt")

rt.configure { workers = 2 }
rt.spawn(function()
  local begun, go_on = rt.channel(8), rt.channel(0)
  local builder = rt.builder { name = "spread", spread = true }
  local tasks = {}
  for i = 1, 8 do
    tasks[i] = builder:spawn(function()
      begun:send(true)
      go_on:recv() -- until it is closed
    end)
  end
  for _ = 1, 8 do
    begun:recv()
  end
  local of = {}
  for _, info in ipairs(rt.tasks()) do
    if info.name == "spread" then
      of[info.worker] = (of[info.worker] or 0) + 1
    end
  end
  print((of["pool 1"] or 0) .. " " .. (of["pool 2"] or 0))
  go_on:close()
  for _, task in ipairs(tasks) do
    task:join()
  end
end):join()
