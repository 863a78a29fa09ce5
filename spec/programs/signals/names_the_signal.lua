--- Prints the reason and the signal of the error that a signal raises: in the main chunk, and in a task that
--- computes if the argument is "task".
local rt = require("rt")

local function loop()
  print("ready")
  io.stdout:flush()
  while true do
  end
end

local function show(_, err)
  print(err, err.reason, err.signal)
end

if arg[1] == "task" then
  rt.spawn_local(function()
    show(pcall(loop))
    rt.yield()
  end)
else
  print("ready")
  io.stdout:flush()
end
show(pcall(rt.sleep, 100))
