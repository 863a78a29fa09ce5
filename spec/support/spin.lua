--- Loops without an end, for programs that are to be preempted. The thread sanitizer lets a signal in only
--- where it looks, at calls such as that of malloc: so there, each round of a loop makes such a call.
local spin = {}

if os.getenv("RT_FLAVOR") == "tsan" then
  --- What a round of any other loop calls.
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

--- The same, and every error in it is swallowed.
function spin.swallowing()
  while true do
    pcall(function()
      spin.forever()
    end)
  end
end

--- Computes for so many seconds of processor time (of this process).
function spin.processor_time(seconds)
  local till = os.clock() + seconds
  while os.clock() < till do
    spin.once()
  end
end

return spin
