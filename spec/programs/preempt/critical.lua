--- What rt.critical does: no switch inside of it; it nests; results, errors and waits pass through.
local rt = require("rt")
local spin = require("spin")
local slow = require("slow")

local function writer(seconds)
  local internal = require("rt.core").internal
  local before = internal.switches()
  local till = os.clock() + seconds
  while os.clock() < till do
    rt.critical(function()
      inside = (inside or 0) + 1
      rt.critical(spin.cpu_time, 0.001)
      spin.cpu_time(0.002)
      assert(inside == 1, "somebody came in between")
      inside = 0
    end)
    spin.cpu_time(0.002)
  end
  return internal.switches() > before
end
local a, b = rt.spawn(writer, 0.3), rt.spawn(writer, 0.3)
print(a:join(), b:join())

print(rt.critical(function(...)
  return select("#", ...), ...
end, 1, nil, nil))
print(pcall(rt.critical, error, "boom", 0))
print(pcall(rt.critical, 1))

local order = {}
rt.spawn_local(function()
  order[#order + 1] = "other"
end)
rt.critical(function()
  rt.sleep(0.01)
  order[#order + 1] = "mine"
end)
print(table.concat(order, " "))

-- a deadline is delayed, too
local began, ended = rt.now(), nil
print(rt.timeout(0.05 * slow, function()
  rt.critical(function()
    while rt.now() - began < 0.15 * slow do
      spin.once()
    end
    ended = true
  end)
  spin.forever()
end))
print(ended)

local co = coroutine.wrap(function()
  rt.critical(coroutine.yield)
end)
print((select(2, pcall(co)):match("attempt to yield out of a critical section")))
