--- Two hundred tasks compute for 2 ms each; prints in how many states. On a busy machine, where a worker may not get a
--- CPU for so long, others follow until all workers have taken part.
local rt = require("rt")
local slow = require("slow")

local states, n = {}, 0
local function run_some()
  local tasks = {}
  for i = 1, 200 do
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
end

for _ = 1, slow do
  run_some()
  if n == rt.workers() then
    break
  end
end
print(n)
