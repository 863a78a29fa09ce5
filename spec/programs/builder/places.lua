--- Where tasks of rt.builder begin: prints the name and the worker of each. Argument: who spawns them,
--- "main", or the number of a worker.
local rt = require("rt")

rt.configure { workers = 3 }

local function place()
  for _, info in ipairs(rt.tasks()) do
    if info.id == rt.current().id then
      return info.name, info.worker
    end
  end
end

local function spawn_all()
  for worker = 1, 3 do
    local pinned = rt.builder { name = "pinned " .. worker, worker = worker }
    for _ = 1, 3 do
      print(pinned:spawn(place):join())
    end
  end
end

if arg[1] == "main" then
  spawn_all()
else
  rt.builder({ worker = tonumber(arg[1]) }):spawn(spawn_all):join()
end
