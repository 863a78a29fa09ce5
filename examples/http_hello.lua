-- A small HTTP/1.1 server: a local task for each connection, all on one thread. The protocol is in
-- http.lua, which http_all_cores.lua uses, too.
-- Run:  build/lua5.4/rt-lua examples/http_hello.lua [port]    (8080; 0: any free port)
-- Then: curl -i http://127.0.0.1:8080/        or: wrk -c 100 http://127.0.0.1:8080/
local rt = require("rt")
package.path = arg[0]:gsub("[^/]*$", "?.lua;", 1) .. package.path -- modules beside this file
local http = require("http")

local function hello()
  return "Hello, world!\n"
end

local listener <close> = assert(rt.tcp.listen("127.0.0.1", tonumber(arg[1] or 8080)))
print(("listening on %s:%d"):format(listener:sock()))
io.stdout:flush()

for stream in listener:incoming() do
  rt.spawn_local(http.serve, stream, hello)
end

-- expect~: listening on 127%.0%.0%.1:%d+
