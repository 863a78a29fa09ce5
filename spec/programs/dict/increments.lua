--- Eight tasks increment the same keys. arg: the number of workers, and of increments.
local rt = require("rt")

-- (a worker that waits for a lock of the dict, whose owner gets no CPU, is no stall to be reported)
rt.configure { workers = tonumber(arg[1]), stall = false }
local d, tasks, n = rt.dict(), {}, tonumber(arg[2])
for i = 1, 8 do
  tasks[i] = rt.spawn(function()
    for k = 1, n do
      d:incr("all")
      d:incr(k % 10, i, 0.5)
    end
  end)
end
for i = 1, 8 do
  tasks[i]:join()
end
local sum = 0
for i = 0, 9 do
  sum = sum + d:get(i)
end
print(d:get("all") == 8 * n, sum == 36 * n + 5, #d)
