--- Messages of random sizes, by several senders, some of which give up now and then.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local BOUND, LARGEST = 1000, 600 -- the largest messages leave no room for another one
local ch, senders, receivers = rt.channel(8, { bytes = BOUND }), {}, {}
local each = 2000 * SCALE // 1

for i = 1, 4 do
  senders[i] = (i == 4 and rt.spawn_local or rt.spawn)(function()
    math.randomseed(SEED + i)
    local sent = 0
    for n = 1, each do
      local text = ("x"):rep(math.random(4) == 1 and math.random(LARGEST) or math.random(20))
      local what, done = math.random(4), nil
      if what == 1 then
        done = rt.timeout(math.random() * 0.0003, ch.send, ch, i, n, text)
      elseif what == 2 then
        done = ch:try_send(i, n, text)
      elseif what == 3 then
        done = rt.select(ch:send_op(i, n, text), rt.sleep_op(math.random() * 0.0003)) == 1
      else
        done = ch:send(i, n, text)
      end
      sent = sent + (done == true and 1 or 0)
    end
    return sent
  end)
  receivers[i] = (i == 4 and rt.spawn_local or rt.spawn)(function()
    local last, got = { 0, 0, 0, 0 }, 0
    for from, n in ch do
      assert(n > last[from], "doubled or overtaken")
      last[from], got = n, got + 1
      local held, bytes = tostring(ch):match("%((%d+) of 8, (%d+) of")
      assert(tonumber(bytes) <= BOUND, "too many bytes")
      assert(tonumber(held) <= 8, "too many messages")
    end
    return got
  end)
end
local sent, got = 0, 0
for i = 1, 4 do
  sent = sent + senders[i]:join()
end
ch:close()
for i = 1, 4 do
  got = got + receivers[i]:join()
end
print(sent == got and "right" or sent .. " sent, " .. got .. " received")
