--- Hooks that the program has set count exactly as many lines and instructions as without preemption.
local rt = require("rt")
local spin = require("spin")

local function job()
  local internal = require("rt.core").internal
  local before = internal.switches()
  local function busy(n)
    local x = 0
    for i = 1, n do
      x = x + i
    end
    spin.once()
    return x
  end
  local lines
  local function counted(n)
    lines = 0
    debug.sethook(function()
      lines = lines + 1
    end, "l")
    for i = 1, n do
      local x = i
    end
    debug.sethook()
    return lines
  end
  local expected = rt.critical(counted, 100)
  for _ = 1, 300 do
    busy(5000)
    local n = counted(100)
    if n ~= expected then
      error(("%d lines, not %d"):format(n, expected))
    end
  end
  local function instructions()
    local n = 0
    debug.sethook(function()
      n = n + 1
    end, "", 100)
    busy(100000)
    debug.sethook()
    return n
  end
  expected = rt.critical(instructions)
  for _ = 1, 20 do
    assert(math.abs(instructions() - expected) <= 1)
  end
  return internal.switches() > before
end

local a, b = rt.spawn(job), rt.spawn(job)
print(a:join(), b:join())
