--- pair(): two streams that are connected with each other, and the listener that accepted the second one.
local rt = require("rt")

local function pair()
  local listener = assert(rt.tcp.listen("127.0.0.1", 0))
  local _, port = listener:sock()
  local client = assert(rt.tcp.connect("127.0.0.1", port))
  return client, assert(listener:accept()), listener
end

return pair
