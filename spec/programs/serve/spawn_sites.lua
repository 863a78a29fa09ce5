--- Prints where the tasks of a server were spawned.
local rt = require("rt")

local server = rt.tcp.serve("127.0.0.1", 0, function(stream)
  stream:read("l")
end)
local client = assert(rt.tcp.connect(server:address()))
local sites, n = {}, 0
repeat
  rt.sleep(0.01)
  sites, n = {}, 0
  for _, task in ipairs(rt.tasks()) do
    if task.name ~= "main" then
      n = n + 1
      sites[task.spawned:match(":%d+$")] = true
    end
  end
until n > rt.workers()
for site in pairs(sites) do
  print(site)
end
