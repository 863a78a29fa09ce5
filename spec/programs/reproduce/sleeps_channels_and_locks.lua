--- Sleeps, channels, rt.select, a mutex, a blocking job, a timeout and a cancel. arg[1]: the number of workers.
local rt = require("rt")

rt.configure { workers = tonumber(arg[1]) }
local a, b, got, tasks = rt.channel(1), rt.channel(2), {}, {}
for i = 1, 5 do
  tasks[#tasks + 1] = rt.spawn(function()
    for k = 1, 5 do
      rt.sleep(10 * k)
      a:send(i * 10 + k)
    end
  end)
  tasks[#tasks + 1] = rt.spawn_local(function()
    for k = 1, 5 do
      rt.sleep(10 * k)
      b:send(i * 100 + k)
    end
  end)
end
for i = 1, 50 do
  rt.sleep(1)
  local n, v = rt.select(a:recv_op(), b:recv_op())
  got[i] = n .. ":" .. v
  if i % 7 == 0 then
    rt.yield()
  end
end
for _, t in ipairs(tasks) do
  t:join()
end

local lock = rt.mutex(0)
rt.scope(function(s)
  for _ = 1, 5 do
    s:spawn(function()
      lock:update(function(n)
        rt.sleep(0.5)
        return n + 1
      end)
    end)
    s:spawn_local(function()
      lock:update(function(n)
        return n + 1
      end)
    end)
  end
end)
got[#got + 1] = lock:with(function(n)
  return n
end) or "nothing"
got[#got + 1] = rt.spawn_blocking(function()
  rt.sleep(3600)
  return "an hour"
end):join()
got[#got + 1] = select(
  2,
  rt.timeout(7200, function()
    rt.channel():recv()
  end)
)
rt.spawn(rt.sleep, 100):cancel()
print(table.concat(got, " "))
