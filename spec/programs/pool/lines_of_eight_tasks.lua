--- Eight tasks print 500 lines each.
local rt = require("rt")

local tasks = {}
for i = 1, 8 do
  tasks[i] = rt.spawn(function()
    for j = 1, 500 do
      print(i, ("x"):rep(100), j)
    end
  end)
end
for i = 1, 8 do
  tasks[i]:join()
end
