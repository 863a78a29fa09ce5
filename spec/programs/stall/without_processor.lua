--- Three tasks compute in Lua for 1.5 s, during which the process is stopped now and then.
local rt = require("rt")
local spin = require("spin")

local hogs = {}
for i = 1, 3 do
  hogs[i] = rt.spawn(function()
    local n = 0
    while true do
      n = n + 1
      spin.once()
    end
  end)
end
rt.sleep(0.1)
print("ready")
io.stdout:flush()
rt.sleep(1.5)
print("done")
io.stdout:flush()
for i = 1, 3 do
  hogs[i]:cancel()
end
