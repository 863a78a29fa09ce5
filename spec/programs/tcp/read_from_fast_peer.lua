--- Reads from a peer that writes without a pause, with a timeout; a ticker counts the turns of others.
local rt = require("rt")
local slow = require("slow")

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local _, port = listener:sock()
rt.spawn(function()
  local c, block = assert(rt.tcp.connect("127.0.0.1", port)), ("x"):rep(1000000)
  while c:write(block) do
  end
end)
local s = listener:accept()
local ticks = 0
rt.spawn_local(function()
  while true do
    rt.sleep(0.001)
    ticks = ticks + 1
  end
end)
for _ = 1, 3 do
  local before, began = ticks, rt.now()
  local value, why = rt.timeout(0.05, s.read, s, "a")
  print(value, why, ticks > before, rt.now() - began < 5 * slow)
end
os.exit(0)
