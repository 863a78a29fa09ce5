--- Clients of a server that a spec has started (kit.start) on this machine.
local rt = require("rt")

local clients = {}

function clients.connect(port)
  return assert(rt.tcp.connect("127.0.0.1", port))
end

--- Sends a text and returns the whole answer. Either side closes the connection after the text:
--- this one, or the server when it has read enough.
function clients.exchange(port, text)
  local stream <close> = clients.connect(port)
  stream:write(text)
  stream:shutdown()
  return assert(stream:read("a"))
end

--- Returns the results of f(1), …, f(n), each called in a task of its own.
function clients.concurrently(n, f)
  local tasks, results = {}, {}
  for i = 1, n do
    tasks[i] = rt.spawn_local(f, i)
  end
  for i = 1, n do
    results[i] = tasks[i]:join()
  end
  return results
end

--- Asserts that the server has written nothing since its first line, and still runs.
function clients.assert_quiet(server)
  local output = server:output()
  assert(server:ended() == nil, output)
  assert(select(2, output:gsub("\n", "\n")) == 1, output)
end

return clients
