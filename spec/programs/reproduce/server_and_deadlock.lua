--- Talks to a server of its own twenty times, closes it, and joins a task that waits for ever.
local rt = require("rt")

local server = assert(rt.tcp.serve("127.0.0.1", 0, function(s)
  s:write(s:read("l"), "!\n")
end))
local _, port = server:address()
for i = 1, 20 do
  local s <close> = assert(rt.tcp.connect("127.0.0.1", port))
  s:write("hello ", i, "\n")
  assert(s:read("l") == "hello " .. i .. "!")
end
server:close()
print("talked")
rt.spawn(function()
  rt.channel():recv()
end):join()
