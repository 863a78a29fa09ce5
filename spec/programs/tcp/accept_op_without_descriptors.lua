--- A select that accepts, while no descriptor is left for a quarter of a second.
local rt = require("rt")

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
local client = assert(rt.tcp.connect("127.0.0.1", port))
local files = {}
while true do
  local f = io.open("/dev/null")
  if not f then
    break
  end
  files[#files + 1] = f
end
rt.spawn_local(function()
  rt.sleep(0.25)
  for _, f in ipairs(files) do
    f:close()
  end
end)
local began = os.clock()
local i, stream = rt.select(listener:accept_op(), rt.sleep_op(30))
print(i, stream ~= nil, os.clock() - began < 0.2)
client:write("here")
print(stream:read(4))
