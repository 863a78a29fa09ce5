--- Prints the hook of a task that was switched several times; that of a task that gets the coroutine
--- of one whose hook was set in a C function, its last; and that of a task after a timeout that has
--- ended a loop.
local rt = require("rt")

--- A signal may set the hook just before it is asked for; not three times.
local function hook_that_stays()
  return debug.gethook() and debug.gethook() and debug.gethook()
end

local function compute(hook_that_stays)
  local switches, spin = require("rt.core").internal.switches, require("spin")
  local before = switches()
  while switches() - before < 5 do
    spin.once()
  end
  return hook_that_stays()
end

local function computes_in_c()
  return string.find(("a"):rep(6000), "^.-.-b")
end

local function time_out(hook_that_stays)
  require("rt").timeout(0.02, require("spin").forever)
  return hook_that_stays()
end

print((rt.spawn(compute, hook_that_stays):join()))
rt.spawn(computes_in_c):join()
print((rt.spawn(debug.gethook):join()))
print((rt.spawn_local(time_out, hook_that_stays):join()))
