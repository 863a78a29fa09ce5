--- Fifty tasks pass a token around, when all of them have met the main chunk; prints the sum of
--- what they had.
local rt = require("rt")

local n, met, go = 50, rt.channel(0), rt.channel(0)
local ring, tasks, seen, sum = {}, {}, {}, 0
for i = 1, n do
  ring[i] = rt.channel(0)
end
for i = 1, n do
  local mine, next = ring[i], ring[i % n + 1]
  tasks[i] = rt.spawn(function()
    met:send(i) -- main receives when all tasks have been spawned
    if i == 1 then
      next:send(1)
    end
    local token = mine:recv()
    if i > 1 then
      next:send(token + 1)
    end
    go:recv()
    return token
  end)
end
for i = 1, n do
  seen[i] = met:recv()
end
table.sort(seen)
for i = 1, n do
  assert(seen[i] == i and tasks[i]:status() ~= "done")
end
for _ = 1, n do
  go:send(true)
end
for i = 1, n do
  sum = sum + tasks[i]:join()
end
print(sum)
