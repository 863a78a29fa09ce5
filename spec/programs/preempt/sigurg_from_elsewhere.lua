--- SIGURG from another process, while a task computes.
local rt = require("rt")
local forever = require("spin").forever

local f = io.open("/proc/self/stat")
local pid = f:read("n")
f:close()
local t = rt.spawn(function()
  local x = 0
  for _ = 1, 3e6 do
    x = x + 1
  end
  return x
end)
os.execute("for i in 1 2 3 4 5 6 7 8; do kill -URG " .. pid .. "; done")
print(t:join(), rt.timeout(0.05, forever))
