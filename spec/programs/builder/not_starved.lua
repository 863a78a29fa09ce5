--- Tasks of high priority that never stop giving way, and one of idle priority on the same worker that
--- ends them. Argument: "spawn" or "spawn_local".
local rt = require("rt")

rt.configure { workers = 1 }
local how = arg[1]
local state = rt.dict()

local function spawn(priority, f)
  local builder = rt.builder { priority = priority }
  return builder[how](builder, f)
end

local tasks = {}
for i = 1, 5 do
  tasks[i] = spawn("high", function()
    repeat
      rt.yield()
    until state:get("done")
  end)
end
tasks[6] = spawn("idle", function()
  for _ = 1, 3 do
    rt.yield()
  end
  state:set("done", true)
end)
for _, task in ipairs(tasks) do
  task:join()
end
print("done")
