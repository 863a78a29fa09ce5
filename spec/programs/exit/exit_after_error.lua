--- A task fails; its handle is kept or dropped (arg[1]). Then os.exit is called with a code (arg[2]), and closes the
--- state if arg[3] is "true".
local rt = require("rt")

if arg[1] == "kept" then
  _G.task = rt.spawn_local(error, "boom")
  rt.sleep(0.01)
else
  rt.spawn_local(error, "boom")
  rt.sleep(0.1)
end
os.exit(tonumber(arg[2]), arg[3] == "true")
