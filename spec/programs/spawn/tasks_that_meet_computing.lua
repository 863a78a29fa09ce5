--- As many tasks as there are workers compute until all have begun; prints if each had a state of
--- its own.
local rt = require("rt")

local n, here, tasks = tonumber(os.getenv("RT_WORKERS")), rt.dict(), {}
for i = 1, n do
  tasks[i] = rt.spawn(rt.critical, function() -- no task yields before all have begun
    here:incr("all")
    while here:get("all") < n do
    end
    return tostring(_G)
  end)
end
local states, count = {}, 0
for _, task in ipairs(tasks) do
  local state = task:join()
  count = count + (states[state] and 0 or 1)
  states[state] = true
end
print(count == n)
