--- Prints "ready"; then the main chunk sleeps, or computes if arg[1] is "turning".
local rt = require("rt")

--- The thread sanitizer delivers a signal only in calls that it intercepts, such as malloc.
local in_tsan = os.getenv("RT_FLAVOR") == "tsan"

local function turning()
  while true do
    if in_tsan then
      local _ = ("x"):rep(100000)
    end
  end
end

print("ready")
io.stdout:flush()
if arg[1] == "turning" then
  turning()
end
rt.sleep(100)
