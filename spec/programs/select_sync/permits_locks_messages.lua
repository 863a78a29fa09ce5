--- Tasks select permits, locks and messages, under timeouts.
local rt = require("rt")
local SEED, SCALE = require("workers_prelude")()

local sem, m, ch, tasks = rt.semaphore(3), rt.mutex(0), rt.channel(2), {}
local function work(seed)
  math.randomseed(seed)
  local locked, sent, got = 0, 0, 0
  local function once()
    local n = math.random(3)
    local which, v =
      rt.select(sem:acquire_op(n), m:lock_op(), ch:recv_op(), ch:send_op(n), rt.sleep_op(0.001))
    -- an operation that was done counts, even if the task was cancelled meanwhile
    if which == 1 then
      sem:release(n)
    elseif which == 2 then
      v:set(v:get() + 1)
      v:unlock()
      locked = locked + 1
    elseif which == 3 then
      got = got + v
    elseif which == 4 then
      sent = sent + n
    end
  end
  for _ = 1, 300 * SCALE do
    if math.random(3) == 1 then
      rt.timeout(math.random() * 0.0003, once)
    else
      once()
    end
  end
  return locked, sent, got
end
for i = 1, 6 do
  tasks[i] = (i % 3 == 0 and rt.spawn_local or rt.spawn)(rt.critical, work, SEED + i)
end
local locked, sent, got = 0, 0, 0
for i = 1, 6 do
  local l, s, g = tasks[i]:join()
  locked, sent, got = locked + l, sent + s, got + g
end
for _ = 1, #ch do
  got = got + ch:recv()
end
local said = tostring(sem) .. tostring(m) .. m:lock():get() - locked .. sent - got
print(said == "rt.semaphore (3 available, 0 waiting)rt.mutex (unlocked)00" and "right" or said)
