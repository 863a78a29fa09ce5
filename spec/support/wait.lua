--- For programs: polling for a condition that is no event. (Specs have kit.wait_for.)
local rt = require("rt")
local slow = require("slow")

local wait = {}

--- Calls f until it returns something true, and returns that. Raises after `seconds` (5), times
--- `slow`.
function wait.until_true(f, what, seconds)
  local deadline = rt.now() + (seconds or 5) * slow
  while true do
    local value = f()
    if value then
      return value
    end
    if rt.now() > deadline then
      error("no sign of " .. what, 2)
    end
    rt.sleep(0.01)
  end
end

--- Returns the state of the thread of the main worker in /proc: "R" if it runs or could run.
local function state_of_main_thread()
  local file = io.open("/proc/self/stat")
  local text = file and file:read("a")
  return text and file:close() and text:match("%) (%a)")
end

--- For a task of the pool: waits until the thread of the main worker sleeps in the system.
function wait.until_main_sleeps()
  local looks = 0
  wait.until_true(function()
    looks = state_of_main_thread() == "R" and 0 or looks + 1
    return looks == 3
  end, "a sleep of the main thread")
end

return wait
