-- A chat server. Lines for a client wait in an outbox, which a task of its own writes to the
-- client. So a slow reader delays no other client; it is disconnected when its outbox is full.
-- Run:  build/lua5.4/rt-lua examples/chat.lua [port]    (7002; 0: any free port)
-- Then: nc 127.0.0.1 7002        in two or three terminals
local rt = require("rt")

local OUTBOX, LINE = 1000, 1000 -- lines that may wait for a client; bytes of a line
local clients = {} -- by name

local function empty_outbox(client)
  while client.open and #client.outbox > 0 do
    local lines = table.concat(client.outbox)
    client.outbox = {}
    client.stream:write(lines)
  end
  client.busy = false
end

local function post(client, line)
  if #client.outbox == OUTBOX then
    client.open = false
    client.stream:close() -- this ends its read, too
    return
  end
  client.outbox[#client.outbox + 1] = line .. "\n"
  if not client.busy then
    client.busy = true
    rt.spawn_local(empty_outbox, client)
  end
end

local function post_all(line)
  for _, client in pairs(clients) do
    post(client, line)
  end
  rt.yield() -- the tasks of the outboxes run before the next line is read
end

local function ask_name(stream)
  while stream:write("your name?\n") do
    local line = stream:read("l")
    if not line then
      break
    end
    local name = line:match("^%s*([%w_-]+)%s*$")
    if name and #name <= 20 and not clients[name] then
      return name
    end
    stream:write("taken, or not a name\n")
  end
end

local function serve(accepted)
  local stream <close> = accepted
  local name = ask_name(stream)
  if not name then
    return
  end
  local client = { stream = stream, outbox = {}, open = true, busy = false }
  clients[name] = client
  post_all("* " .. name .. " joined")
  while client.open do
    local line = stream:read("l")
    if not line then
      break
    end
    post_all(name .. ": " .. line:sub(1, LINE):gsub("%s+$", ""))
  end
  clients[name], client.open = nil, false
  post_all("* " .. name .. " left")
end

local listener <close> = assert(rt.tcp.listen("127.0.0.1", tonumber(arg[1] or 7002)))
print(("listening on %s:%d"):format(listener:sock()))
io.stdout:flush()

for stream in listener:incoming() do
  rt.spawn_local(serve, stream)
end

-- expect~: listening on 127%.0%.0%.1:%d+
