--- Tasks compute for 2 ms each; prints in how many states.
local rt = require("rt")
local slow = require("slow")

local tasks, states, n = {}, {}, 0
for i = 1, 200 * slow do
  tasks[i] = rt.spawn(function()
    local t = os.clock()
    while os.clock() - t < 0.002 do
    end
    return tostring(_G)
  end)
end
for _, task in ipairs(tasks) do
  local state = task:join()
  if not states[state] then
    states[state] = true
    n = n + 1
  end
end
print(n)
