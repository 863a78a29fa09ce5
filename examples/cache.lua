-- A cache that all workers of an HTTP server share: the first request for a page computes it, later
-- ones find it until it expires; a full cache drops what was not used for the longest time.
-- Run:  build/lua5.4/rt-lua examples/cache.lua [port]    (8080; 0: any free port)
-- Then: curl http://127.0.0.1:8080/anything    twice: the second answer comes at once
local rt = require("rt")
package.path = arg[0]:gsub("[^/]*$", "?.lua;", 1) .. package.path -- known to the workers, too
local http = require("http")

local FRESH, PATIENCE = 2, 5 -- seconds: how long an answer is kept, and may take to compute

local cache = rt.dict { max_entries = 1000, when_full = "evict" }
local busy = rt.dict() -- paths whose answer a task computes: no other task has to

local function compute(path)
  rt.sleep(0.2) -- as long as a database might take
  return ("%s was computed\n"):format(path)
end

local function answer(request)
  local path = request.path
  while true do
    local text = cache:get(path)
    if text then
      return text
    end
    if busy:add(path, true, PATIENCE) then -- true for one of the tasks that miss the same path
      text = cache:get(path) or compute(path) -- another task may have put it there meanwhile
      cache:set(path, text, FRESH)
      busy:delete(path)
      return text
    end
    rt.sleep(0.005)
  end
end

local server = assert(rt.tcp.serve("127.0.0.1", tonumber(arg[1] or 8080), function(stream)
  http.serve(stream, answer)
end))
print(("%d workers, listening on %s:%d"):format(rt.workers(), server:address()))
io.stdout:flush()
server:join()

-- expect~: %d+ workers, listening on 127%.0%.0%.1:%d+
