--- Tasks that hold a permit and a lock fail, are cancelled, or compute without an end: both are
--- given back.
local rt = require("rt")
local _, SCALE = require("workers_prelude")()

--- The thread sanitizer delivers a signal only in calls that it intercepts, such as malloc.
local in_tsan = os.getenv("RT_FLAVOR") == "tsan"

local sem, m = rt.semaphore(2), rt.mutex()
local function die(how)
  sem:with(function()
    local permit <close> = sem:permit()
    local _ = m:lock()
    if how == 1 then
      error("dead")
    end
    if how == 2 then
      rt.sleep(100)
    end
    if how == 3 then
      while true do
        local _ = in_tsan and ("x"):rep(100000)
      end
    end
    return how
  end)
end
for round = 1, math.max(8, 60 * SCALE // 1) do
  local victim = rt.spawn(die, round % 4)
  pcall(rt.timeout, 0.001, victim.join, victim)
  victim:cancel()
  pcall(victim.join, victim)
  assert(#sem == 2, "a permit is lost")
  assert(m:try_lock(), "the lock is lost"):unlock()
end

print("right")
