-- Tasks of several workers put objects into each other, take them out and drop them, while others
-- use them. Each object that a task gets must still be what it was.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local hub = rt.channel(64)

local function new_object(kind)
  local object = {}
  if kind == 1 then
    object.channel = rt.channel(4)
  elseif kind == 2 then
    object.mutex = rt.mutex { n = 0 }
  elseif kind == 3 then
    object.watch = rt.watch(object)
  elseif kind == 4 then
    object.dict = rt.dict()
  else
    object.broadcast = rt.broadcast(2)
    object.subscriber = object.broadcast:subscribe()
  end
  return object
end

-- Puts a value into the object, and returns what came out of it.
local function use(object, value)
  if object.channel then
    local got = select(2, object.channel:try_recv())
    object.channel:try_send(true, value)
    return got
  elseif object.mutex then
    return object.mutex:with(function(held)
      local got = held.value
      held.value = value
      return got
    end)
  elseif object.watch then
    local got = object.watch:get()
    object.watch:set(value)
    return got
  elseif object.dict then
    local key = math.random(3)
    local got = object.dict:get(key)
    object.dict:set(key, value)
    return got
  end
  object.broadcast:send(value)
  return object.subscriber:try_recv()
end

local function program(seed, steps)
  math.randomseed(seed)
  local mine = {}
  for i = 1, 6 do
    mine[i] = new_object(i % 5 + 1)
  end
  for step = 1, steps do
    local a, b = math.random(6), math.random(6)
    local got = use(mine[a], math.random(3) > 1 and mine[b] or nil)
    if type(got) == "table" and next(got) then
      mine[math.random(6)] = got
    end
    if math.random(4) == 1 then
      hub:try_send(mine[a])
      local _, other = pcall(hub.try_recv, hub)
      if type(other) == "table" then
        mine[b] = other
      end
    end
    if math.random(3) == 1 then
      mine[math.random(6)] = new_object(math.random(5))
    end
    if step % 20 == 0 then
      collectgarbage(math.random(3) == 1 and "collect" or "step")
    end
  end
end

local tasks = {}
for i = 1, 8 do
  tasks[i] = (i % 4 == 0 and rt.spawn_local or rt.spawn)(
    program,
    SEED + i,
    math.floor(1500 * SCALE)
  )
end
for _, task in ipairs(tasks) do
  task:join()
end
print("right")
