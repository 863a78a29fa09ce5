local rt = require("rt")

local never = rt.channel()
local function wait_for_ever()
  never:recv()
end
rt.spawn(wait_for_ever)
rt.spawn_local(rt.sleep, 1000)
rt.sleep(0.1) -- both tasks wait now
os.execute("kill -USR2 $PPID") -- gdb stops here
