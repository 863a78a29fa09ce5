--- Generators in tasks that are switched often: each gets the value that it was resumed with.
local rt = require("rt")

local function job()
  local function count(n)
    return coroutine.wrap(function()
      local inner = coroutine.wrap(function()
        for i = 1, n do
          coroutine.yield(i)
        end
      end)
      for v in inner do
        local got = coroutine.yield(v)
        assert(got == -v, tostring(got))
      end
    end)
  end
  local internal = require("rt.core").internal
  local sum, before = 0, internal.switches()
  for _ = 1, 2000 do
    local next = count(30)
    local v = next()
    while v do
      sum = sum + v
      v = next(-v)
    end
  end
  return sum, internal.switches() > before
end

local a, b = rt.spawn(job), rt.spawn(job)
print(a:join())
print(b:join())
