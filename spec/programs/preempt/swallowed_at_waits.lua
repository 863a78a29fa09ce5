--- Tasks that swallow their cancel at every wait are closed after a second, too. Prints how many were, and
--- whether a ticker beside them had its time.
local rt = require("rt")
local slow = require("slow")

local bodies = {
  function()
    while true do
      pcall(rt.sleep, 0.1)
    end
  end,
  function()
    while true do
      pcall(rt.yield)
    end
  end,
  function()
    local c = rt.channel()
    while true do
      pcall(c.recv, c)
    end
  end,
  function()
    while true do
      pcall(coroutine.wrap(function()
        rt.sleep(1)
      end))
    end
  end,
  function()
    while true do
      pcall(rt.timeout, 60, function()
        while true do
          pcall(rt.sleep, 1)
        end
      end)
    end
  end,
  function()
    while true do
      pcall(rt.sleep, 0.1)
      for _ = 1, 1e4 do
      end
    end
  end,
}

local closed, begun, n = rt.channel(), rt.channel(6), 0
rt.spawn_local(function()
  while true do
    rt.sleep(0.01)
    n = n + 1
  end
end)
for _, spawn in ipairs { rt.spawn, rt.spawn_local } do
  local tasks = {}
  for i, body in ipairs(bodies) do
    tasks[i] = spawn(function()
      local g <close> = setmetatable({}, {
        __close = function()
          closed:try_send(i)
        end,
      })
      begun:send(true)
      body()
    end)
  end
  for _ = 1, #tasks do
    begun:recv()
  end
  for i = 1, #tasks do
    tasks[i]:cancel("why")
  end
  for i = 1, #tasks do
    local _, problem = pcall(tasks[i].join, tasks[i])
    assert(getmetatable(problem) == rt.Cancelled and tasks[i]:status() == "cancelled")
  end
end
print(#closed, n > 20 / slow)
