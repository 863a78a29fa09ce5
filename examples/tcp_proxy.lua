-- A TCP proxy for protocols made of lines: it passes lines on in both directions, and logs them.
-- Run:  build/lua5.4/rt-lua examples/tcp_proxy.lua [port [upstream]]
--       (7003 and 127.0.0.1:7001, where examples/echo_server.lua listens; port 0: any free one)
-- Then: nc 127.0.0.1 7003
local rt = require("rt")

local port = tonumber(arg[1] or 7003)
local host, host_port = (arg[2] or "127.0.0.1:7001"):match("^(.+):(%d+)$")
assert(host, "usage: tcp_proxy.lua [port [host:port]]")

--- Passes lines on until one side ends, and then ends the direction to the other side.
local function pass(from, to, label)
  while true do
    local line = from:read("L")
    if not line or not to:write(line) then
      break
    end
    print(label .. line:gsub("%s+$", ""))
  end
  to:shutdown()
end

local function serve(accepted)
  local client <close> = accepted
  local _, id = client:peer()
  local upstream <close>, message = rt.tcp.connect(host, tonumber(host_port))
  if not upstream then
    return print(id .. " ! " .. message)
  end
  local back = rt.spawn_local(pass, upstream, client, id .. " < ")
  pass(client, upstream, id .. " > ")
  back:join()
  print(id .. " closed")
end

local listener <close> = assert(rt.tcp.listen("127.0.0.1", port))
io.stdout:setvbuf("line")
print(("listening on %s:%d"):format(listener:sock()))

for stream in listener:incoming() do
  rt.spawn_local(serve, stream)
end

-- expect~: listening on 127%.0%.0%.1:%d+
