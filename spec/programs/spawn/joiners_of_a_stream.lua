--- Fifty times, four tasks join one that returns a stream. Prints how many joiners got the open stream, and how many read
--- the line that was left in it.
local rt = require("rt")

local listener = rt.tcp.listen("127.0.0.1", 0)
local _, port = listener:sock()
local got, lines = 0, 0
for _ = 1, 50 do
  local go = rt.channel()
  local client = rt.tcp.connect("127.0.0.1", port)
  local server = listener:accept()
  server:write("first\nsecond\n")
  local task = rt.spawn(function()
    client:read("l")
    go:recv()
    return client
  end)
  local joiners = {}
  for i = 1, 4 do
    joiners[i] = rt.spawn(function()
      local stream = task:join()
      local opened, line = pcall(stream.read, stream, "l")
      return opened, line
    end)
  end
  rt.sleep(0.002)
  go:close()
  for i = 1, 4 do
    local opened, line = joiners[i]:join()
    if opened then
      got = got + 1
      if line == "second" then
        lines = lines + 1
      end
    end
  end
  server:close()
end
print(got, lines)
