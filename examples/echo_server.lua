-- An echo server: a task for each connection, written as if it were the only one.
-- Run:  build/lua5.4/rt-lua examples/echo_server.lua [port]    (7001; 0: any free port)
-- Then: nc 127.0.0.1 7001        and type; or: build/lua5.4/rt-lua examples/echo_client.lua
local rt = require("rt")

local function echo(accepted)
  local stream <close> = accepted
  while true do
    local data = stream:recv()
    if not data or not stream:write(data) then
      break
    end
  end
end

local listener <close> = assert(rt.tcp.listen("127.0.0.1", tonumber(arg[1] or 7001)))
print(("listening on %s:%d"):format(listener:sock()))
io.stdout:flush()

for stream in listener:incoming() do
  rt.spawn_local(echo, stream)
end

-- expect~: listening on 127%.0%.0%.1:%d+
