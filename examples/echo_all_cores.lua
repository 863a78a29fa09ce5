-- An echo server on all cores: each connection is a pool task, written as if it were the only one.
-- Compare echo_server.lua, which has one worker: the handler is the same.
-- Run:  build/lua5.4/rt-lua examples/echo_all_cores.lua [port]    (7005; 0: any free port)
-- Then: nc 127.0.0.1 7005        and type; or: build/lua5.4/rt-lua examples/echo_client.lua 7005
local rt = require("rt")

--- Runs in the state of a worker: it sees its arguments and copies of its upvalues, but no globals
--- of this script. The stream is closed when it returns or fails.
local function echo(accepted)
  local stream <close> = accepted
  while true do
    local data = stream:recv()
    if not data or not stream:write(data) then
      break
    end
  end
end

local server = assert(rt.tcp.serve("127.0.0.1", tonumber(arg[1] or 7005), echo))
print(("%d workers, listening on %s:%d"):format(rt.workers(), server:address()))
io.stdout:flush()
server:join() -- until the server is closed: here, until Ctrl-C

-- expect~: %d+ workers, listening on 127%.0%.0%.1:%d+
