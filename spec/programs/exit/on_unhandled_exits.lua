--- The handler of unhandled errors ends the program.
local rt = require("rt")

rt.on_unhandled(function()
  os.exit(3, true)
end)
rt.spawn_local(error, "boom", 0)
rt.sleep(60)
