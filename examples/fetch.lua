-- Fetches several URLs at once over plain HTTP, each with a time limit (of 5 seconds).
-- Run: build/lua5.4/rt-lua examples/fetch.lua [-t seconds] http://host[:port]/path ...
--      (for instance several times the URL of examples/http_hello.lua)
local rt = require("rt")

local limit, urls = 5, { table.unpack(arg) }
if urls[1] == "-t" then
  limit, urls = tonumber(urls[2]), { table.unpack(urls, 3) }
end
if not limit or #urls == 0 then
  io.stderr:write("usage: fetch.lua [-t seconds] url ...\n")
  os.exit(2)
end

--- The status of the answer and the size of its body; or nil and an error message.
local function get(url)
  local host, port, path = url:match("^http://([^/:]+):?(%d*)(.*)$")
  if not host then
    return nil, "not an http:// URL"
  end
  local stream <close>, message = rt.tcp.connect(host, tonumber(port) or 80)
  if not stream then
    return nil, message
  end
  if path == "" then
    path = "/"
  end
  stream:write("GET ", path, " HTTP/1.0\r\nHost: ", host, "\r\n\r\n")

  local status = (stream:read("l") or ""):match("^HTTP/1%.%d (%d%d%d)")
  if not status then
    return nil, "no HTTP answer"
  end
  local length = 0
  for line in stream:lines() do
    if line == "\r" or line == "" then
      break
    end
    length = tonumber(line:lower():match("^content%-length: *(%d+)")) or length
  end
  local body, broken = stream:read("a")
  if not body then
    return nil, broken
  end
  if #body < length then
    return nil, ("%d of %d bytes came"):format(#body, length)
  end
  return status, #body
end

local function get_in_time(url)
  local started = rt.now()
  local status, result = rt.timeout(limit, get, url)
  return rt.now() - started, status, result
end

local started, tasks = rt.now(), {}
for i, url in ipairs(urls) do
  tasks[i] = rt.spawn_local(get_in_time, url)
end

local count, bytes = 0, 0
for i, url in ipairs(urls) do
  local took, status, result = tasks[i]:join()
  if status then
    count, bytes = count + 1, bytes + result
    print(("%s %9d bytes %8.3f s  %s"):format(status, result, took, url))
  else
    print(("---         0 bytes %8.3f s  %s (%s)"):format(took, url, result))
  end
end
print(("%d of %d: %d bytes in %.3f s"):format(count, #urls, bytes, rt.now() - started))
os.exit(count == #urls)
