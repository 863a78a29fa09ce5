--- Four tasks change the same keys by cas and update. arg: the number of workers, and of changes.
local rt = require("rt")

-- (a worker that waits for a lock of the dict, whose owner gets no CPU, is no stall to be reported)
rt.configure { workers = tonumber(arg[1]), stall = false }
local d, tasks, n = rt.dict(), {}, tonumber(arg[2])
d:set("cas", 0)
for i = 1, 4 do
  tasks[i] = rt.spawn(function()
    for k = 1, n do
      repeat
        local old = d:get("cas")
      until d:cas("cas", old, old + 1)
      d:update("update", function(old, x)
        return (old or 0) + x
      end, k)
      d:update("table", function(t)
        if k % 16 == 0 then
          rt.yield()
        end
        t = t or { n = 0 }
        t.n = t.n + 1
        return t
      end)
    end
  end)
end
for i = 1, 4 do
  tasks[i]:join()
end
print(d:get("cas") == 4 * n, d:get("update") == 2 * n * (n + 1), d:get("table").n == 4 * n)
