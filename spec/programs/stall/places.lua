--- A task that blocks three times at one place, and once at another one.
local rt = require("rt")

rt.spawn(function()
  for _ = 1, 3 do
    os.execute("sleep 0.3")
  end
  os.execute("sleep 0.3")
end):join() -- a traceback has the line of what comes after the call: 5, and here
rt.sleep(0.3) -- for the report of the end
