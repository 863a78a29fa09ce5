--- Asks three times; the handler of the second fails. No stream is garbage, so none is closed by the
--- collector.
local rt = require("rt")

local server = rt.tcp.serve("127.0.0.1", 0, function(stream)
  package.loaded.kept = stream -- so that it is not the collector that closes it
  local line = stream:read("l")
  package.loaded[line] = stream
  if line == "fail" then
    error("handler failed")
  end
  stream:write(line)
end)
local _, port = server:address()
local function ask(what)
  local c = rt.tcp.connect("127.0.0.1", port)
  c:write(what, "\n")
  return rt.timeout(10, c.read, c, "a")
end
print(ask("one"), ask("fail"), ask("two"))
server:close()
