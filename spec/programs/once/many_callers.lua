--- Twelve tasks call one rt.once.
local rt = require("rt")
require("workers_prelude")()

local once, ran, tasks = rt.once(), rt.mutex(0), {}
for i = 1, 12 do
  tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(function()
    return once:get(function(x)
      ran:update(function(n)
        return n + 1
      end)
      rt.sleep(0.005)
      return { x }, nil, "last"
    end, "given")
  end)
end
for i = 1, 12 do
  local t, none, last = tasks[i]:join()
  assert(t[1] == "given" and none == nil and last == "last")
end
assert(tostring(once) == "rt.once (done)")
assert(select("#", once:get(error)) == 3)
print(ran:lock():get() == 1 and "right" or "more than once")
