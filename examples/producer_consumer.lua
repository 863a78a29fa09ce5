-- Producers and consumers on all cores. The channel between them is bounded: producers wait
-- while the channel is full. When all producers have ended it is closed, and the consumers end.
-- Run: build/lua5.4/rt-lua examples/producer_consumer.lua
local rt = require("rt")

local PRODUCERS, CONSUMERS, EACH, ROOM = 3, 4, 1000, 10

local function produce(orders, producer)
  for i = 1, EACH do
    orders:send { number = (producer - 1) * EACH + i, producer = producer } -- a copy is sent
  end
end

--- The number of steps of the Collatz sequence: stands for real work.
local function steps(n)
  local count = 0
  while n ~= 1 do
    n = n % 2 == 0 and n // 2 or 3 * n + 1
    count = count + 1
  end
  return count
end

local function consume(orders)
  local done = { orders = 0, longest = 0 }
  for order in orders:iter() do
    local count = steps(order.number)
    done.orders = done.orders + 1
    if count > done.longest then
      done.longest, done.number, done.producer = count, order.number, order.producer
    end
  end
  return done
end

local orders, producers, consumers = rt.channel(ROOM), {}, {}
for i = 1, CONSUMERS do
  consumers[i] = rt.spawn(consume, orders)
end
for i = 1, PRODUCERS do
  producers[i] = rt.spawn(produce, orders, i)
end
rt.join(table.unpack(producers)) -- all of them, or the first error
orders:close()

local total, best = 0, { longest = 0 }
for _, done in ipairs { rt.join(table.unpack(consumers)) } do
  total = total + done.orders
  if done.longest > best.longest then
    best = done
  end
end
print(("%d orders of %d producers"):format(total, PRODUCERS))
print(
  ("the longest: %d steps from %d (producer %d)"):format(best.longest, best.number, best.producer)
)

-- expect: 3000 orders of 3 producers
-- expect: the longest: 216 steps from 2919 (producer 3)
