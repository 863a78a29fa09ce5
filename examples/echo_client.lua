-- Sends several words to an echo server at once, each over a connection of its own.
-- Run: build/lua5.4/rt-lua examples/echo_server.lua             in another terminal, and
--      build/lua5.4/rt-lua examples/echo_client.lua [port [word ...]]
local rt = require("rt")

local port = tonumber(arg[1] or 7001)
local words = { table.unpack(arg, 2) }
if #words == 0 then
  words = { "one", "two", "three" }
end

local function ask(word)
  local stream <close> = assert(rt.tcp.connect("127.0.0.1", port, { timeout = 5 }))
  assert(stream:write(word, "\n"))
  return assert(stream:read("l"))
end

local tasks = {}
for i, word in ipairs(words) do
  tasks[i] = rt.spawn_local(ask, word)
end
for i, task in ipairs(tasks) do
  print(words[i] .. " -> " .. task:join())
end

-- expect: one -> one
-- expect: two -> two
-- expect: three -> three
