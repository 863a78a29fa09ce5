--- The commands: for each name, the number of arguments and a function.
-- The function gets the client and the arguments, and returns the answer.
local lists = require("lists")
local protocol = require("protocol")
local pubsub = require("pubsub")
local strings = require("strings")

local bulk, texts = protocol.bulk, protocol.texts

local commands = {}

--- Without `most`, the command takes exactly `least` arguments. With `for_subscribers`, a client
--- that has subscribed may use it.
local function define(name, least, most, run, for_subscribers)
  commands[name] =
    { least = least, most = most or least, run = run, for_subscribers = for_subscribers }
end

-- connections

define("ping", 0, 1, function(client, text)
  if client.subscriptions > 0 then
    return texts { "pong", text or "" }
  end
  return text and bulk(text) or protocol.PONG
end, true)

define("echo", 1, nil, function(_, text)
  return bulk(text)
end)

define("quit", 0, math.huge, function(client)
  client.leaving = true
  return protocol.OK
end, true)

define("command", 0, math.huge, function(_, what)
  if what and what:lower() == "count" then
    local n = 0
    for _ in pairs(commands) do
      n = n + 1
    end
    return protocol.integer(n)
  end
  return protocol.array {} -- redis-cli needs no more
end)

--- What redis-benchmark asks for.
define("config", 1, math.huge, function(client, what, name)
  if what:lower() ~= "get" then
    local form = "ERR unknown subcommand '%s'. Try CONFIG HELP."
    return protocol.error(form:format(what:sub(1, 128):gsub("[\r\n]", " ")))
  end
  local values = {
    save = "",
    appendonly = "no",
    ["proto-max-bulk-len"] = tostring(client.server.limits.bulk),
  }
  return texts(values[name] and { name, values[name] } or {})
end)

-- keys and strings

define("get", 1, nil, strings.get)
define("set", 2, math.huge, strings.set)
define("incr", 1, nil, strings.incr)
define("decr", 1, nil, strings.decr)
define("incrby", 2, nil, strings.incrby)
define("decrby", 2, nil, strings.decrby)
define("del", 1, math.huge, strings.del)
define("exists", 1, math.huge, strings.exists)
define("expire", 2, math.huge, strings.expire)
define("ttl", 1, nil, strings.ttl)
define("dbsize", 0, nil, strings.dbsize)
define("flushall", 0, 1, strings.flushall)

-- lists

define("lpush", 2, math.huge, lists.lpush)
define("rpush", 2, math.huge, lists.rpush)
define("lpop", 1, 2, lists.lpop)
define("rpop", 1, 2, lists.rpop)
define("llen", 1, nil, lists.llen)
define("lrange", 3, nil, lists.lrange)

-- publish and subscribe

define("subscribe", 1, math.huge, pubsub.subscribe, true)
define("unsubscribe", 0, math.huge, pubsub.unsubscribe, true)
define("publish", 2, nil, pubsub.publish)

return commands
