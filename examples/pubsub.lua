-- Publish and subscribe between tasks on all cores: a topic is the list of its subscribers'
-- channels, in a dict. A subscriber that is too slow misses messages; it delays no other task.
-- Run: build/lua5.4/rt-lua examples/pubsub.lua
local rt = require("rt")

local topics = rt.dict()

-- These run inside `update`: if two tasks subscribe at once, both are in the list.

local function with(subscribers, channel)
  subscribers = subscribers or {}
  subscribers[#subscribers + 1] = channel
  return subscribers
end

local function without(subscribers, channel)
  local others = {}
  for _, other in ipairs(subscribers or others) do
    if other ~= channel then
      others[#others + 1] = other
    end
  end
  return #others > 0 and others or nil -- nil deletes the topic
end

local function subscribe(topic, room)
  local channel = rt.channel(room)
  topics:update(topic, with, channel)
  return channel
end

local function unsubscribe(topic, channel)
  topics:update(topic, without, channel)
  channel:close()
end

--- Returns how many subscribers got the message, and how many there are.
local function publish(topic, ...)
  local subscribers, got = topics:get(topic) or {}, 0
  for _, channel in ipairs(subscribers) do
    got = got + (channel:try_send(...) and 1 or 0)
  end
  return got, #subscribers
end

local function reader(name, topic, most)
  local channel = subscribe(topic, 10)
  local list = {}
  while #list < most do
    list[#list + 1] = channel:recv()
  end
  unsubscribe(topic, channel)
  return ("%s read: %s"):format(name, table.concat(list, ", "))
end

local tasks = {
  rt.spawn(reader, "ann", "news", 3),
  rt.spawn(reader, "ben", "news", 2),
  rt.spawn(reader, "cleo", "weather", 1),
}
local slow = subscribe("news", 1)

while #(topics:get("news") or {}) < 3 or not topics:get("weather") do
  rt.sleep(0.001) -- waits until all have subscribed
end
print("a dull day:", publish("news", "a dull day"))
print("rain:", publish("weather", "rain"))
print("rt is out:", publish("news", "rt is out"))
print(tasks[2]:join()) -- it has unsubscribed, so:
print("good night:", publish("news", "good night"))
print(tasks[1]:join())
print(tasks[3]:join())
print("the slow one read: " .. slow:recv())
unsubscribe("news", slow)
print("topics that are left:", #topics)

-- expect: a dull day:	3	3
-- expect: rain:	1	1
-- expect: rt is out:	2	3
-- expect: ben read: a dull day, rt is out
-- expect: good night:	1	2
-- expect: ann read: a dull day, rt is out, good night
-- expect: cleo read: rain
-- expect: the slow one read: a dull day
-- expect: topics that are left:	0
