--- For programs: waiting for what is no event. (Specs have kit.wait_for.)
local rt = require("rt")
local slow = require("slow")

local wait = {}

--- Calls f until it returns something true, and returns that. Raises after so many seconds (5), times `slow`.
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

return wait
