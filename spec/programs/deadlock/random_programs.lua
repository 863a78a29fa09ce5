--- Random programs of operations that wake tasks of other threads. All of them end.
--   random_programs.lua SEED WORKERS ROUNDS
local rt = require("rt")

local seed, workers, rounds = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
math.randomseed(seed)
rt.configure { workers = workers }
local random = math.random
local kinds = {
  function()
    local a, b, n = rt.channel(random(0, 2)), rt.channel(random(0, 2)), random(30)
    rt.spawn(function()
      for i = 1, n do
        a:send(i)
      end
      a:close()
    end)
    rt.spawn(function()
      for v in a:iter() do
        b:send(v * 2)
      end
      b:close()
    end)
    local sum = 0
    for v in b:iter() do
      sum = sum + v
    end
    assert(sum == n * (n + 1))
  end,
  function()
    local t = {}
    for i = 1, random(20) do
      t[i] = rt.spawn(function(x)
        return rt.spawn(function()
          return x + 1
        end):join()
      end, i)
    end
    for i, x in ipairs(t) do
      assert(x:join() == i + 1)
    end
  end,
  function()
    local m, t = rt.mutex(0), {}
    for i = 1, 8 do
      t[i] = rt.spawn(function()
        for _ = 1, 5 do
          m:update(function(v)
            return v + 1
          end)
        end
      end)
    end
    for _, x in ipairs(t) do
      x:join()
    end
  end,
  function()
    local b = rt.barrier(4)
    for _ = 1, 3 do
      rt.spawn(function()
        b:wait()
      end)
    end
    b:wait()
  end,
  function()
    assert(rt.spawn_blocking(function()
      return 7
    end):join() == 7)
    local ch = rt.channel(1)
    rt.spawn_blocking(function()
      ch:send(rt.spawn(function()
        return 3
      end):join())
    end)
    assert(ch:recv() == 3)
  end,
  function()
    local ch = rt.channel(0)
    local t = rt.spawn_local(function()
      return ch:recv()
    end)
    rt.spawn(function()
      ch:send(5)
    end)
    assert(t:join() == 5)
  end,
  function()
    local t = rt.spawn(function()
      rt.channel():recv()
    end)
    t:cancel()
    pcall(t.join, t)
  end,
  function()
    rt.timeout(0.001, function()
      rt.channel():recv()
    end)
  end,
  function()
    rt.spawn(function()
      rt.sleep(0.001)
    end):join()
  end,
  function()
    local s = rt.semaphore(1)
    for _ = 1, 4 do
      rt.spawn(function()
        s:acquire()
        rt.yield()
        s:release()
      end)
    end
    s:acquire()
    s:release()
  end,
  function()
    local l = rt.tcp.listen("127.0.0.1", 0)
    local _, port = l:sock()
    local t = rt.spawn(function()
      local c = rt.tcp.connect("127.0.0.1", port)
      c:write("hi\n")
      c:close()
    end)
    local c = l:accept()
    assert(c:read("l") == "hi")
    t:join()
    c:close()
    l:close()
  end,
  function()
    local a, b = rt.channel(1), rt.channel(1)
    local t = rt.spawn(function()
      for _ = 1, 20 do
        a:send(b:recv())
      end
    end)
    for i = 1, 20 do
      b:send(i)
      assert(a:recv() == i)
    end
    t:join()
  end,
  function()
    local a, b = rt.channel(1), rt.channel(1)
    rt.spawn(function()
      a:send(1)
    end)
    rt.spawn(function()
      b:send(1)
    end)
    rt.select(a:recv_op(), b:recv_op())
    rt.select(a:recv_op(), b:recv_op())
  end,
  function()
    rt.scope(function(s)
      for i = 1, 5 do
        s:spawn(function()
          return i
        end)
      end
    end)
  end,
  function()
    rt.race(function()
      return rt.call(math.max, 1)
    end, function()
      rt.call(function()
        rt.channel():recv()
      end)
    end)
  end,
}
local function some()
  for _ = 1, random(5) do
    kinds[random(#kinds)]()
  end
end
for _ = 1, rounds do
  local t = {}
  for i = 1, random(0, 4) do
    t[i] = rt.spawn_local(some)
  end
  some()
  for _, x in ipairs(t) do
    x:join()
  end
end
