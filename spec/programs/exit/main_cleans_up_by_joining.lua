--- The main chunk has a variable to close, which joins a task.
local guard = require("guard")
local rt = require("rt")

local task = rt.spawn_local(function()
  rt.sleep(0.02)
  print("work done")
end)
rt.spawn_local(function()
  local g <close> = guard("other")
  rt.sleep(1000)
end)
local c <close> = setmetatable({}, {
  __close = function()
    task:join()
    print("joined")
  end,
})
rt.yield()
print("end")
