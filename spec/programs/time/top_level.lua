--- The main chunk sleeps while a task prints.
local rt = require("rt")

local last
rt.spawn_local(function()
  for i = 1, 3 do
    rt.sleep(0.01)
    io.write(i, " ")
    last = i
  end
end)
repeat
  rt.sleep(0.01)
until last == 3
print("end")
