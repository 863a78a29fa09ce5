--- Prints the code of a lookup for which there is no descriptor, and whether localhost is found then.
local rt = require("rt")

local listener = assert(rt.tcp.listen("localhost", 0))
local host, port = listener:sock()
local kept = {}
while true do
  local file = io.open("/dev/null")
  if not file then
    break
  end
  kept[#kept + 1] = file
end
local _, _, code = rt.tcp.connect("host.test", port)
for _, file in pairs(kept) do
  file:close()
end
local stream = assert(rt.tcp.connect("a.localhost", port))
print(code, host, (stream:peer()))
