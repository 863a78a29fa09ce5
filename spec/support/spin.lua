--- Loops without an end, for programs that are to be preempted. The thread sanitizer delivers a
--- signal only in calls that it intercepts, such as malloc; so with it, each round of a loop makes
--- such a call.
local spin = {}

--- No round of such a loop takes so long, in seconds, unless others have run meanwhile.
spin.longest_round = 0.001

if os.getenv("RT_FLAVOR") == "tsan" then
  spin.longest_round = 0.008

  --- Called in each round of any other loop.
  function spin.once()
    local _ = ("x"):rep(100000)
  end

  function spin.forever()
    while true do
      local _ = ("x"):rep(100000)
    end
  end
else
  function spin.once() end

  function spin.forever()
    while true do
    end
  end
end

--- The same; every error in it is caught.
function spin.swallowing()
  while true do
    pcall(function()
      spin.forever()
    end)
  end
end

--- Computes for this number of seconds of CPU time (of this process).
function spin.cpu_time(seconds)
  local till = os.clock() + seconds
  while os.clock() < till do
    spin.once()
  end
end

return spin
