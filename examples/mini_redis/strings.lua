--- Keys and strings: an rt.dict that all workers share. A command is one operation of the dict, so
--- it is atomic, and takes no lock for which commands of other keys would wait.
-- A text that is an integer is kept as an integer. `true` stands for a list (lists.lua).
local numbers = require("numbers")
local protocol = require("protocol")

local bulk, integer, error_of = protocol.bulk, protocol.integer, protocol.error

local strings = {
  WRONG_TYPE = error_of("WRONGTYPE Operation against a key holding the wrong kind of value"),
  OUT_OF_MEMORY = error_of("OOM command not allowed when used memory > 'maxmemory'."),
}

local SYNTAX = error_of("ERR syntax error")
local NOT_AN_INTEGER = error_of("ERR value is not an integer or out of range")
local OVERFLOW = error_of("ERR increment or decrement would overflow")
local BAD_EXPIRE = "ERR invalid expire time in '%s' command"

function strings.get(client, key)
  local value = client.server.keys:get(key)
  if value == nil then
    return protocol.NIL
  elseif value == true then
    return strings.WRONG_TYPE
  end
  return bulk(tostring(value))
end

local methods = { NX = "add", XX = "replace" }
local units = { EX = 1, PX = 1000 } -- how many make a second

--- The options of SET key value [EX seconds | PX milliseconds] [NX | XX]: the method of the dict,
--- and the seconds; or nil and an error.
local function set_options(...)
  local method, seconds
  local words, i = { ... }, 1
  while words[i] do
    local word = words[i]:upper()
    if methods[word] and not method then
      method = methods[word]
    elseif units[word] and not seconds and words[i + 1] then
      i = i + 1
      local n = numbers.parse(words[i])
      if not n then
        return nil, NOT_AN_INTEGER
      elseif n <= 0 or n > numbers.MOST_SECONDS * units[word] then
        return nil, error_of(BAD_EXPIRE:format("set"))
      end
      seconds = n / units[word]
    else
      return nil, SYNTAX
    end
    i = i + 1
  end
  return method or "set", seconds
end

function strings.set(client, key, value, ...)
  local method, seconds = "set", nil
  if ... then
    method, seconds = set_options(...)
    if not method then
      return seconds
    end
  end
  local keys = client.server.keys
  local done, why = keys[method](keys, key, numbers.parse(value) or value, seconds)
  if why then
    return strings.OUT_OF_MEMORY
  end
  return done and protocol.OK or protocol.NIL
end

--- Runs inside dict:update, which calls it again if another client has changed the value meanwhile.
local function add(value, delta)
  if value == nil then
    return delta
  elseif value == true then
    error(strings.WRONG_TYPE, 0)
  elseif math.type(value) ~= "integer" then
    error(NOT_AN_INTEGER, 0)
  elseif delta > 0 and value > math.maxinteger - delta then
    error(OVERFLOW, 0)
  elseif delta < 0 and value < math.mininteger - delta then
    error(OVERFLOW, 0)
  end
  return value + delta
end

local function increment(client, key, delta)
  local keys = client.server.keys
  local ok, value = pcall(keys.update, keys, key, add, delta)
  if not ok then
    return value
  end
  return value and integer(value) or strings.OUT_OF_MEMORY
end

function strings.incr(client, key)
  return increment(client, key, 1)
end

function strings.decr(client, key)
  return increment(client, key, -1)
end

function strings.incrby(client, key, text)
  local delta = numbers.parse(text)
  return delta and increment(client, key, delta) or NOT_AN_INTEGER
end

function strings.decrby(client, key, text)
  local delta = numbers.parse(text)
  if delta == math.mininteger then
    return error_of("ERR decrement would overflow")
  end
  return delta and increment(client, key, -delta) or NOT_AN_INTEGER
end

function strings.del(client, ...)
  local n = 0
  for _, key in ipairs { ... } do
    n = n + (client.server.keys:delete(key) and 1 or 0)
  end
  return integer(n)
end

function strings.exists(client, ...)
  local n = 0
  for _, key in ipairs { ... } do
    n = n + (client.server.keys:ttl(key) and 1 or 0)
  end
  return integer(n)
end

function strings.expire(client, key, text, option)
  local seconds = numbers.parse(text)
  if option then
    return error_of("ERR Unsupported option " .. option:sub(1, 128):gsub("[\r\n]", " "))
  elseif not seconds then
    return NOT_AN_INTEGER
  elseif seconds > numbers.MOST_SECONDS or seconds < -numbers.MOST_SECONDS then
    return error_of(BAD_EXPIRE:format("expire"))
  end
  return client.server.keys:expire(key, seconds) and protocol.ONE or protocol.ZERO
end

function strings.ttl(client, key)
  local seconds = client.server.keys:ttl(key)
  if not seconds then
    return integer(-2)
  end
  return integer(seconds == math.huge and -1 or math.floor(seconds + 0.5))
end

function strings.dbsize(client)
  return integer(#client.server.keys)
end

function strings.flushall(client)
  client.server.keys:clear()
  return protocol.OK
end

return strings
