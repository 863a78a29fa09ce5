-- The HTTP server of http_hello.lua on all cores: each connection is a pool task. A module is sent
-- to another worker by its name: each worker requires http.lua once.
-- Run:  build/lua5.4/rt-lua examples/http_all_cores.lua [port]    (8080; 0: any free port)
-- Then: curl -i http://127.0.0.1:8080/        or: wrk -c 100 http://127.0.0.1:8080/
local rt = require("rt")
package.path = arg[0]:gsub("[^/]*$", "?.lua;", 1) .. package.path -- known to the workers, too
local http = require("http")

local function hello()
  return "Hello, world!\n"
end

local function serve(stream) -- sent to the worker of each connection, with the upvalue 'hello'
  http.serve(stream, hello)
end

local server = assert(rt.tcp.serve("127.0.0.1", tonumber(arg[1] or 8080), serve))
print(("%d workers, listening on %s:%d"):format(rt.workers(), server:address()))
io.stdout:flush()
server:join()

-- expect~: %d+ workers, listening on 127%.0%.0%.1:%d+
