--- Lists. A list is too large to copy at each change, so one task owns it, as a plain Lua table.
--- Other tasks send the owner a request, with a channel for the answer. There are as many owners as
--- workers; the key determines the owner.
-- In the dict of all keys `true` stands for a list. Only the owner puts it there, but any task may
-- delete or overwrite it, and it may expire: then the owner finds that the list is gone.
local rt = require("rt")
local numbers = require("numbers")
local protocol = require("protocol")
local strings = require("strings")

local bulk, integer = protocol.bulk, protocol.integer

local lists = {}

local COST = 40 -- bytes that an element needs besides its text

-- what the owner does; arguments: the owner, the key, the list or nil, and those of the request

local work = {}

local function is_full(owner, values)
  local bytes = 0
  for _, value in ipairs(values) do
    bytes = bytes + #value + COST
  end
  return owner.bytes + bytes > owner.most
end

function work.push(owner, key, list, side, values)
  if is_full(owner, values) then
    return strings.OUT_OF_MEMORY
  end
  if not list then
    local added, why = owner.keys:add(key, true)
    if not added then
      return why and strings.OUT_OF_MEMORY or strings.WRONG_TYPE
    end
    list = { first = 1, last = 0 }
    owner.lists[key] = list
  end
  for _, value in ipairs(values) do
    if side == "left" then
      list.first = list.first - 1
      list[list.first] = value
    else
      list.last = list.last + 1
      list[list.last] = value
    end
    owner.bytes = owner.bytes + #value + COST
  end
  return integer(list.last - list.first + 1)
end

local function pop_one(owner, list, side)
  local index = side == "left" and list.first or list.last
  local value = list[index]
  list[index] = nil
  if side == "left" then
    list.first = index + 1
  else
    list.last = index - 1
  end
  owner.bytes = owner.bytes - #value - COST
  return bulk(value)
end

function work.pop(owner, key, list, side, count)
  if not list then
    return count and protocol.NIL_ARRAY or protocol.NIL
  end
  local answers = {}
  for i = 1, math.min(count or 1, list.last - list.first + 1) do
    answers[i] = pop_one(owner, list, side)
  end
  if list.first > list.last then
    owner.lists[key] = nil
    owner.keys:cas(key, true, nil)
  end
  return count and protocol.array(answers) or answers[1]
end

function work.len(_, _, list)
  return integer(list and list.last - list.first + 1 or 0)
end

function work.range(_, _, list, from, to)
  local answers = {}
  local n = list and list.last - list.first + 1 or 0
  from, to = from < 0 and from + n or from, to < 0 and to + n or to
  for i = math.max(from, 0), math.min(to, n - 1) do
    answers[#answers + 1] = bulk(list[list.first + i])
  end
  return protocol.array(answers)
end

-- the owner

local function forget(owner, key, list)
  for i = list.first, list.last do
    owner.bytes = owner.bytes - #list[i] - COST
  end
  owner.lists[key] = nil
end

--- The list of a key; nil if the key has no value; false if its value is not a list.
local function find(owner, key)
  local value, list = owner.keys:get(key), owner.lists[key]
  if list and value ~= true then
    forget(owner, key, list)
    list = nil
  end
  if value ~= nil and not list then
    return false
  end
  return list
end

--- Frees lists that were deleted and to which no request comes any more: each request checks one
--- list.
local function sweep(owner)
  owner.swept = next(owner.lists, owner.lists[owner.swept] and owner.swept)
  if owner.swept then
    find(owner, owner.swept)
  end
end

local function own(requests, keys, most)
  local owner = { keys = keys, lists = {}, bytes = 0, most = most }
  for reply, what, key, a, b in requests:iter() do
    local list = find(owner, key)
    reply:send(list == false and strings.WRONG_TYPE or work[what](owner, key, list, a, b))
    sweep(owner)
  end
end

--- Starts the owners. Returns the channels of their requests.
function lists.start(keys, most)
  local owners, n = {}, rt.workers()
  for i = 1, n do
    owners[i] = rt.channel(1024)
    rt.spawn(own, owners[i], keys, most // n)
  end
  return owners
end

-- what a client does

local function ask(client, what, key, ...)
  local owners = client.server.lists
  local a, b = key:byte(1), key:byte(-1)
  client.reply = client.reply or rt.channel(1)
  owners[((a or 0) + (b or 0) + #key) % #owners + 1]:send(client.reply, what, key, ...)
  return (client.reply:recv())
end

function lists.lpush(client, key, ...)
  return ask(client, "push", key, "left", { ... })
end

function lists.rpush(client, key, ...)
  return ask(client, "push", key, "right", { ... })
end

local function pop(client, side, key, text)
  local count = text and numbers.parse(text)
  if text and (not count or count < 0) then
    return protocol.error("ERR value is out of range, must be positive")
  end
  return ask(client, "pop", key, side, count)
end

function lists.lpop(client, key, count)
  return pop(client, "left", key, count)
end

function lists.rpop(client, key, count)
  return pop(client, "right", key, count)
end

function lists.llen(client, key)
  return ask(client, "len", key)
end

function lists.lrange(client, key, from, to)
  from, to = numbers.parse(from), numbers.parse(to)
  if not from or not to then
    return protocol.error("ERR value is not an integer or out of range")
  end
  return ask(client, "range", key, from, to)
end

return lists
