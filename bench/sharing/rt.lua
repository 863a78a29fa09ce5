-- crowd: 4 producers and 4 consumers on 2 workers; incr: 2 workers count in one dict; mutex: one
-- task locks and unlocks; select: one of 4 channels, which has a message
local rt, B = require("rt"), require("bench")
local what, n = arg[1], math.floor(tonumber(arg[2]))
rt.configure { workers = 2 }

local function parallel(times, f)
  local tasks = {}
  for i = 1, times do
    tasks[i] = rt.spawn(f)
  end
  return tasks
end

local cases = {}

function cases.crowd()
  local ch, each = rt.channel(1024), n // 4
  local consumers = parallel(4, function()
    local got = 0
    for _ in ch:iter() do
      got = got + 1
    end
    return got
  end)
  local producers = parallel(4, function()
    for i = 1, each do
      ch:send(i)
    end
  end)
  for _, task in ipairs(producers) do
    task:join()
  end
  ch:close()
  local got = 0
  for _, task in ipairs(consumers) do
    got = got + task:join()
  end
  assert(got == 4 * each)
end

-- (each counts something of its own, as visits of many pages; "same": both the same)
local function count(keys)
  local d, each = rt.dict(), n // 2
  local function work(own)
    return function()
      for i = 1, each do
        d:incr(own .. i % keys)
      end
    end
  end
  local a = rt.spawn(work(keys > 1 and "a" or ""))
  local b = rt.spawn(work(keys > 1 and "b" or ""))
  a:join()
  b:join()
end

function cases.incr()
  count(64)
end

function cases.incr_same()
  count(1)
end

function cases.mutex()
  local m = rt.mutex()
  for _ = 1, n do
    m:lock():unlock()
  end
end

function cases.select()
  local chans, ops = {}, {}
  for i = 1, 4 do
    chans[i] = rt.channel(1)
    ops[i] = chans[i]:recv_op()
  end
  local a, b, c, d = table.unpack(ops)
  for i = 1, n do
    chans[i % 4 + 1]:try_send(i)
    rt.select(a, b, c, d)
  end
end

local t0, w0 = os.clock(), rt.now()
cases[what]()
B.result { n = n, cpu_s = os.clock() - t0, wall_s = rt.now() - w0 }
os.exit(0)
