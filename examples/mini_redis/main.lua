-- A server of the Redis protocol on all cores; README.md is the guide to its files.
-- Run:  build/lua5.4/rt-lua examples/mini_redis/main.lua [--port N] [--maxmemory MiB]
--         [--maxmemory-policy noeviction|allkeys-lru] [--max-bulk BYTES]
-- Then: redis-cli -p 7379        or: redis-benchmark -p 7379 -t set,get,incr -P 16
local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. package.path -- the workers get this path, too

local rt = require("rt")
local connection = require("connection")
local lists = require("lists")

local options = {
  host = "127.0.0.1",
  port = 7379, -- 0: any free one
  maxmemory = 256, -- MiB, of strings and of lists each
  ["maxmemory-policy"] = "noeviction",
  ["max-bulk"] = 16 << 20, -- bytes of one argument
}

local valid = {
  port = function(n)
    return n >= 0 and n <= 65535
  end,
  maxmemory = function(n)
    return n >= 1 and n <= 1 << 30
  end,
  ["max-bulk"] = function(n)
    return n >= 1 and n <= 512 << 20
  end,
}

local function refuse(...)
  io.stderr:write("main.lua: ", ...)
  io.stderr:write(" (its first lines say what there is)\n")
  os.exit(2)
end

for i = 1, #arg, 2 do
  local name, value = arg[i]:match("^%-%-(.+)$"), arg[i + 1]
  if not name or options[name] == nil then
    refuse("what is '", arg[i], "'?")
  end
  if valid[name] then
    value = math.tointeger(tonumber(value))
    if not value or not valid[name](value) then
      refuse("--", name, " cannot be '", tostring(arg[i + 1]), "'")
    end
  elseif
    name == "maxmemory-policy" and value ~= "noeviction" and value ~= "allkeys-lru" or not value
  then
    refuse("--", name, " cannot be '", tostring(value), "'")
  end
  options[name] = value
end

-- What the connections share. Each connection is a pool task and gets a copy of this table; the
-- dicts and channels in it are the same for all.
local server = {
  keys = rt.dict {
    max_bytes = options.maxmemory << 20,
    when_full = options["maxmemory-policy"] == "allkeys-lru" and "evict" or "fail",
  },
  topics = rt.dict(),
  limits = { bulk = options["max-bulk"], inline = 65536, arguments = 100000 },
}
server.lists = lists.start(server.keys, options.maxmemory << 20)

local listener = assert(rt.tcp.serve(options.host, options.port, function(stream)
  connection.serve(stream, server)
end))
print(("listening on %s:%d"):format(listener:address()))
io.stdout:flush()
listener:join()

-- expect~: listening on 127%.0%.0%.1:%d+
