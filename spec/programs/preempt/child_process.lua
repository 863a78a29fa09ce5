--- A child process of a task that computes gets no SIGURG, and ends by itself.
local rt = require("rt")
local spin = require("spin")

print(rt.spawn(function()
  local p = io.popen("sleep 0.05; echo well")
  spin.cpu_time(0.05)
  return p:read("l"), p:close()
end):join())
