--- Prints "ready" when five tasks sleep that have a variable to close; then the main chunk sleeps, too.
local guard = require("guard")
local rt = require("rt")

io.stdout:setvbuf("line")
local up = rt.channel(10)
for _ = 1, 5 do
  rt.spawn(function()
    local g <close> = guard("task", io.stderr)
    up:send(1)
    rt.sleep(1000)
  end)
end
for _ = 1, 5 do
  up:recv()
end
print("ready")
rt.sleep(1000)
