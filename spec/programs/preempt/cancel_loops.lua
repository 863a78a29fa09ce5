--- Cancels eight tasks that compute for ever, and one more after them.
local rt = require("rt")
local spin = require("spin")

local tasks = {}
for i = 1, 8 do
  tasks[i] = rt.spawn(function()
    local c <close> = setmetatable({}, {
      __close = function()
        closed = (closed or 0) + 1
      end,
    })
    spin.forever()
  end)
end
rt.sleep(0.05)
for i = 1, 8 do
  tasks[i]:cancel("enough " .. i)
end
for i = 1, 8 do
  print(select(2, pcall(tasks[i].join, tasks[i])), tasks[i]:status())
end
local again = rt.spawn(spin.forever)
rt.sleep(0.02)
again:cancel()
print(pcall(again.join, again))
