--- The main chunk has a variable to close, which joins a task; the task continues only then.
local guard = require("guard")
local rt = require("rt")

local go = rt.channel()
local task = rt.spawn_local(function()
  go:recv()
  rt.sleep(0.02)
  print("work done")
end)
rt.spawn_local(function()
  local g <close> = guard("other")
  rt.sleep(1000)
end)
local c <close> = setmetatable({}, {
  __close = function()
    go:close()
    task:join()
    print("joined")
  end,
})
rt.yield()
print("end")
