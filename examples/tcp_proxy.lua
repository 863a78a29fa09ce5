-- A TCP proxy for protocols made of lines: it passes bytes on both ways, and logs the lines.
-- Run:  build/lua5.4/rt-lua examples/tcp_proxy.lua [port [upstream]]
--       (7003 and 127.0.0.1:7001, where examples/echo_server.lua listens; port 0: any free one)
-- Then: nc 127.0.0.1 7003
local rt = require("rt")

local port = tonumber(arg[1] or 7003)
local host, host_port = (arg[2] or "127.0.0.1:7001"):match("^(.+):(%d+)$")
assert(host, "usage: tcp_proxy.lua [port [host:port]]")

local LINE = 200 -- bytes of a line that are logged

--- Logs the lines that end in `data`. `begun` is the beginning of the first one. Returns the
--- beginning of the line that has not ended.
local function log(label, begun, data)
  local from = 1
  for last in data:gmatch("()\n") do
    print(label .. (begun .. data:sub(from, last - 1)):sub(1, LINE):match("^[^\r]*"))
    begun, from = "", last + 1
  end
  return (begun .. data:sub(from)):sub(1, LINE)
end

--- Passes on what comes until one side ends, and then ends the direction to the other side.
local function pass(from, to, label)
  local begun = ""
  while true do
    local data, why = from:recv()
    if data then
      begun = log(label, begun, data)
      data, why = to:write(data)
    end
    if not data then
      if why then
        print(label .. "! " .. why)
      end
      break
    end
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
