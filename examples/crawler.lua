-- A crawler: follows the links of a site, a few pages at once, until it has seen all pages or its
-- time is over; then requests that are not finished are cancelled, and the pages found so far are
-- kept.
-- Run: build/lua5.4/rt-lua examples/crawler.lua
local rt = require("rt")
package.path = arg[0]:gsub("[^/]*$", "?.lua;", 1) .. package.path -- known to the workers, too
local http = require("http")

--- The body of a page, or nil and an error message.
local function get(port, path)
  local stream <close>, message = rt.tcp.connect("127.0.0.1", port)
  if not stream then
    return nil, message
  end
  stream:write("GET ", path, " HTTP/1.0\r\nHost: localhost\r\n\r\n")
  local answer = stream:read("a") or ""
  local status, body = answer:match("^HTTP/1%.%d (%d+).-\r\n\r\n(.*)$")
  if status ~= "200" then
    return nil, status or "no HTTP answer"
  end
  return body
end

--- Visits all pages that links lead to from a first page, at most `most` at once, for so many
--- seconds. Returns the sizes of the pages by path, how many were not reached in time, and why.
local function crawl(port, start, most, seconds)
  local sizes, pending, room = {}, 0, rt.semaphore(most)
  local seen = {}
  local _, why = rt.timeout(seconds, rt.scope, function(scope)
    local function visit(path)
      if seen[path] then
        return
      end
      seen[path] = true
      pending = pending + 1
      scope:spawn_local(function()
        local body = assert(room:with(get, port, path))
        sizes[path], pending = #body, pending - 1
        for link in body:gmatch('href="(.-)"') do
          visit(link)
        end
      end)
    end
    visit(start)
  end)
  return sizes, pending, why
end

-- A site of 100 pages, each with links to two others and back; page 42 never answers.
local at_once, most_at_once = rt.dict(), rt.dict()
local function answer(request)
  local now = at_once:incr("now")
  most_at_once:update("most", function(most)
    return math.max(most or 0, now)
  end)
  local n = tonumber(request.path:match("%d+"))
  rt.sleep(n == 42 and math.huge or 0.001)
  at_once:incr("now", -1)
  local links = {}
  for _, link in ipairs { n // 2, 2 * n, 2 * n + 1 } do
    if link >= 1 and link <= 100 then
      links[#links + 1] = ('<a href="/%d">page %d</a>'):format(link, link)
    end
  end
  return table.concat(links, "\n")
end

local server <close> = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
  http.serve(stream, answer)
end, { grace = 0 }))
local _, port = server:address()

local sizes, pending, why = crawl(port, "/1", 8, 1.5)
local count = 0
for _ in pairs(sizes) do
  count = count + 1
end
print(("%d pages, %d called off: %s"):format(count, pending, why))
print("never more than 8 at once:", most_at_once:get("most") <= 8)
assert(not sizes["/42"] and not sizes["/84"]) -- page 84 is linked from page 42 alone

-- expect: 97 pages, 1 called off: timeout
-- expect: never more than 8 at once:	true
