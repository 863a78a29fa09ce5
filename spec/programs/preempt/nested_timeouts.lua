--- Timeouts around timeouts around a loop: which one ends it. Prints whether all took less than LIMIT
--- seconds of CPU time.
--   nested_timeouts.lua LIMIT
local rt = require("rt")
local slow = require("slow")
local forever = require("spin").forever

local limit = tonumber(arg[1])
local long = 5 * slow

local function nested()
  local began = os.clock()
  print(rt.timeout(0.05, function()
    rt.timeout(long, forever)
    return "not here"
  end))
  print(rt.timeout(long, function()
    return rt.timeout(0.05, forever)
  end))
  print(rt.timeout(long, function()
    print(rt.timeout(0.02, forever))
    return "goes on"
  end))
  print(rt.timeout(long, function()
    return coroutine.wrap(function()
      return pcall(rt.timeout, 0.02, forever)
    end)()
  end))
  return os.clock() - began < limit
end

print(nested())
print(rt.spawn_local(nested):join())
print(rt.spawn(function()
  return 1
end):join())
