--- Eight tasks print 200 short lines each, and 4 that are longer than what a pipe takes.
local rt = require("rt")

local tasks = {}
for i = 1, 8 do
  tasks[i] = rt.spawn(function()
    for j = 1, 204 do
      print(i, ("x"):rep(j % 50 == 1 and j < 200 and 100000 or 100), j)
    end
  end)
end
for i = 1, 8 do
  tasks[i]:join()
end
