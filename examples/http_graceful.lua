-- An HTTP server that can be stopped under load, without losing a request: after Ctrl-C or SIGTERM
-- each connection gets the answer to its next request, with "Connection: close"; connections that
-- send none are closed when the grace is over.
-- Run:  build/lua5.4/rt-lua examples/http_graceful.lua [port]    (8080; 0: any free port)
-- Then: wrk -c 100 http://127.0.0.1:8080/ and, while it runs, Ctrl-C
local rt = require("rt")
package.path = arg[0]:gsub("[^/]*$", "?.lua;", 1) .. package.path -- known to the workers, too
local http = require("http")

local GRACE = 1 -- seconds

local stopping = rt.watch(false) -- all workers share it

local function answer(request)
  rt.sleep(0.005) -- as long as another server might take
  return request.path .. "\n", stopping:get()
end

local server = assert(rt.tcp.serve("127.0.0.1", tonumber(arg[1] or 8080), function(stream)
  http.serve(stream, answer)
end))
print(("listening on %s:%d"):format(server:address()))
io.stdout:flush()

local _, interrupted = pcall(server.join, server) -- until a signal cancels the main task
rt.shield(function() -- without it, these waits would be cancelled, too
  stopping:set(true)
  server:close(GRACE)
end)
error(interrupted, 0)

-- expect~: listening on 127%.0%.0%.1:%d+
