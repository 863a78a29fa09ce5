--- Publish and subscribe, between clients on any workers. A subscriber has an outbox: a channel
--- whose messages a second task writes to its stream. The dict of topics has a list of outboxes for
--- each topic.
local rt = require("rt")
local protocol = require("protocol")

local bulk, integer = protocol.bulk, protocol.integer

local pubsub = {
  REFUSAL = "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
    .. "RESET are allowed in this context",
}

local OUTBOX = 10000 -- messages that may wait for a subscriber
local OUTBOX_BYTES = 32 << 20 -- and their bytes
local PATIENCE = 10 -- seconds that a subscriber may take to read some of them

-- Both run inside dict:update, so no subscription is lost if two clients subscribe at once.

local function with(outboxes, outbox)
  outboxes = outboxes or {}
  outboxes[#outboxes + 1] = outbox
  return outboxes
end

local function without(outboxes, outbox)
  local others = {}
  for _, other in ipairs(outboxes or others) do
    if other ~= outbox then
      others[#others + 1] = other
    end
  end
  return #others > 0 and others or nil
end

--- Writes the messages of the outbox, those that are there at once. When it ends, the client is
--- closed.
local function empty(client)
  local outbox = client.outbox
  for text in outbox do
    local texts, bytes = { text }, #text
    while #texts < 100 and bytes < 65536 do
      local more = outbox:try_recv()
      if not more then
        break
      end
      texts[#texts + 1], bytes = more, bytes + #more
    end
    if not rt.timeout(PATIENCE, client.stream.write, client.stream, table.concat(texts)) then
      break
    end
  end
  outbox:close()
  if not client.leaving then
    client.leaving = true
    client.stream:close() -- this ends its read, too
  end
end

--- Answers SUBSCRIBE or UNSUBSCRIBE, with the number of topics of the client.
local function told(client, what, topic)
  local name = topic and bulk(topic) or protocol.NIL
  client:answer(protocol.array { bulk(what), name, integer(client.subscriptions) })
end

function pubsub.subscribe(client, ...)
  if not client.outbox then
    client:flush()
    client.outbox = rt.channel(OUTBOX, { bytes = OUTBOX_BYTES })
    client.writer = rt.spawn_local(empty, client)
  end
  for _, topic in ipairs { ... } do
    if not client.topics[topic] then
      client.topics[topic] = true
      client.subscriptions = client.subscriptions + 1
      told(client, "subscribe", topic)
      client:flush() -- before the first message
      client.server.topics:update(topic, with, client.outbox)
    else
      told(client, "subscribe", topic)
    end
  end
end

local function unsubscribe(client, topic)
  if client.topics[topic] then
    client.topics[topic] = nil
    client.subscriptions = client.subscriptions - 1
    client.server.topics:update(topic, without, client.outbox)
  end
end

function pubsub.unsubscribe(client, ...)
  local topics = { ... }
  if #topics == 0 then
    for topic in pairs(client.topics) do
      topics[#topics + 1] = topic
    end
  end
  for _, topic in ipairs(topics) do
    unsubscribe(client, topic)
    told(client, "unsubscribe", topic)
  end
  if #topics == 0 then
    told(client, "unsubscribe")
  end
end

--- The connection of the client has ended.
function pubsub.leave(client)
  for topic in pairs(client.topics) do
    unsubscribe(client, topic)
  end
  if client.outbox then
    client.outbox:close()
  end
end

--- Sends an answer to a subscriber by its outbox, and waits until there is room.
function pubsub.answer(outbox, text)
  rt.timeout(PATIENCE, outbox.send, outbox, text)
end

--- Returns how many subscribers got the message. A subscriber whose outbox is full is disconnected.
function pubsub.publish(client, topic, text)
  local outboxes = client.server.topics:get(topic) or {}
  local message = protocol.texts { "message", topic, text }
  local n = 0
  for _, outbox in ipairs(outboxes) do
    if outbox:try_send(message) then
      n = n + 1
    else -- full, or closed already
      outbox:close()
    end
  end
  return integer(n)
end

return pubsub
