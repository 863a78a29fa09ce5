--- What is known to go wrong in other systems when a wait is given up at the worst moment: for
--- everything that can be waited for, between states of 1, 2 and 4 workers.
local kit = require("kit")

--- What there is to wait for: `wait` waits, `select` does the same with rt.select, `give` lets one
--- who waits go on, `left` says whether what was given is there, and takes it.
local things = [[
  local function selecting(op)
    return function(x) return select(2, rt.select(op(x), rt.sleep_op(math.huge))) end
  end
  local function given(f) return function(x) return rt.timeout(0, f, x) ~= nil end end
  local things = {
    {
      "lock", make = function() local m = rt.mutex() m:lock() return m end,
      wait = function(m) m:lock() m:unlock() return true end,
      select = function(m)
        local _, guard = rt.select(m:lock_op(), rt.sleep_op(math.huge))
        guard:unlock()
        return true
      end,
      give = function(m) m:unlock() end,
      left = function(m) return m:try_lock() end,
      kept = function(m) m:lock() end,
    },
    {
      "permit", make = function() return rt.semaphore(0) end,
      wait = function(s) return s:acquire(2) end,
      select = selecting(function(s) return s:acquire_op(2) end),
      give = function(s) s:release(2) end,
      left = function(s) return s:try_acquire(2) and #s == 0 end,
    },
    {
      "message", make = function() return rt.channel(1) end,
      wait = function(ch) return ch:recv() end,
      select = selecting(function(ch) return ch:recv_op() end),
      give = function(ch) ch:send(true) end,
      left = function(ch) return #ch == 1 and ch:try_recv() end,
    },
    {
      "room", make = function() local ch = rt.channel(1) ch:send(1) return ch end,
      wait = function(ch) return ch:send(2) end,
      select = selecting(function(ch) return ch:send_op(2) end),
      give = function(ch) ch:recv() end,
      left = function(ch) return #ch == 0 and ch:try_send(3) end,
    },
    {
      "notification", make = rt.notify,
      wait = function(n) return n:wait() end,
      select = selecting(function(n) return n:wait_op() end),
      give = function(n) n:notify_one() end,
      left = given(function(n) return n:wait() end),
    },
    {
      "broadcast", make = function()
        local b = rt.broadcast(4)
        return { b, b:subscribe() }
      end,
      wait = function(x) return x[2]:recv() end,
      select = selecting(function(x) return x[2]:recv_op() end),
      give = function(x) x[1]:send(true) end,
      left = function(x) return x[2]:try_recv() end,
    },
    {
      "change", make = function()
        local w = rt.watch(0)
        return { w, w:subscribe() }
      end,
      wait = function(x) return x[2]:wait() end,
      select = selecting(function(x) return x[2]:wait_op() end),
      give = function(x) x[1]:set(true) end,
      left = given(function(x) return x[2]:wait() end),
    },
  }
  local ways = { "wait", "select" }
  local spawns = { rt.spawn, rt.spawn_local }
]]

describe("known defects of other systems:", function()
  it("G8 a queue is not poisoned by timeouts of 0", function()
    kit.on_workers(things .. [[
      for _, t in ipairs(things) do
        for _, way in ipairs(ways) do
          for _, spawn in ipairs(spawns) do
            local x = t.make()
            spawn(function()
              for _ = 1, 100 do
                assert(select("#", rt.timeout(0, t[way], x)) == 2, t[1])
                rt.timeout(0, rt.timeout, 0, t[way], x)
              end
            end):join()
            t.give(x)
            assert(t.left(x), t[1] .. " went to nobody")
            local waiter = spawn(t[way], x) -- and it still works
            t.give(x)
            assert(waiter:join(), t[1])
          end
        end
      end
      print("right")
    ]])
  end)

  it("G8 what a cancelled waiter did not get is there for the next one", function()
    kit.on_workers(things .. [[
      local rounds = math.max(10, 60 * SCALE // 1)
      for _, t in ipairs(things) do
        for _, way in ipairs(ways) do
          for _, spawn in ipairs(spawns) do
            for round = 1, rounds do
              local x = t.make()
              local waiter = spawn(t[way], x)
              local late = math.random(2) == 1
              local canceller = spawn(function()
                if late then rt.yield() end
                waiter:cancel()
              end)
              if math.random(2) == 1 then rt.yield() end
              t.give(x) -- now one of the two has won
              canceller:join()
              local got = pcall(waiter.join, waiter)
              local left = t.left(x)
              -- (a lock comes back from who got it)
              if t[1] == "lock" then assert(left, "somebody dead owns the lock")
              else assert(got == not left, t[1] .. (got and " doubled" or " lost")) end
            end
          end
        end
      end
      print("right")
    ]])
  end)

  it("G8 G9 what is given after a cancel does not go to who was cancelled", function()
    kit.on_workers(things .. [[
      for _, t in ipairs(things) do
        for _, way in ipairs(ways) do
          local x = t.make()
          local waiter = rt.spawn_local(t[way], x)
          while waiter:status() ~= "waiting" do rt.yield() end
          waiter:cancel()
          t.give(x)
          assert(not pcall(waiter.join, waiter) and waiter:status() == "cancelled", t[1])
          assert(t.left(x), t[1] .. " lost")
        end
      end
      -- what can be given back is, whichever worker the cancel has yet to reach
      local rounds = math.max(10, 60 * SCALE // 1)
      for i = 1, 2 do
        local t = things[i]
        for _, way in ipairs(ways) do
          for round = 1, rounds do
            local x = t.make()
            local waiter = rt.spawn(t[way], x)
            while not tostring(x):find("1 waiting", 1, true) do rt.yield() end
            waiter:cancel()
            t.give(x)
            assert(not pcall(waiter.join, waiter), t[1])
            assert(t.left(x), t[1] .. " lost")
          end
        end
      end
      print("right")
    ]])
  end)

  it("G8 G11 a wake-up that comes late does nothing to the next wait", function()
    kit.on_workers(things .. [[
      local rounds = math.max(10, 60 * SCALE // 1)
      for _, t in ipairs(things) do
        for _, way in ipairs(ways) do
          local x, quiet = t.make(), rt.channel(0)
          for round = 1, rounds do
            local patience = math.random() * 0.0002
            local waiter = rt.spawn(function()
              -- given, or given up at the same time: in both cases the next wait is a wait
              local got = rt.timeout(patience, t[way], x)
              local r, why = rt.timeout(0.0005, quiet.recv, quiet)
              assert(r == nil and why == "timeout", t[1])
              return got
            end)
            if math.random(2) == 1 then rt.yield() end
            t.give(x)
            if waiter:join() == nil then assert(t.left(x), t[1] .. " lost")
            elseif t.kept then t.kept(x) end
          end
        end
      end
      print("right")
    ]])
  end)

  it("a permit or a lock is not lost with its holder", function()
    -- (the thread sanitizer lets a signal in only where it looks, such as in malloc)
    local spin = kit.flavor == "tsan" and '("x"):rep(100000)' or "0"
    kit.on_workers(([[
      local sem, m = rt.semaphore(2), rt.mutex()
      local function die(how)
        sem:with(function()
          local permit <close> = sem:permit()
          m:lock()
          if how == 1 then error("dead") end
          if how == 2 then rt.sleep(100) end
          if how == 3 then while true do local _ = SPIN end end
          return how
        end)
      end
      for round = 1, math.max(8, 60 * SCALE // 1) do
        local victim = rt.spawn(die, round % 4)
        pcall(rt.timeout, 0.001, victim.join, victim)
        victim:cancel()
        pcall(victim.join, victim)
        assert(#sem == 2, "a permit is lost")
        assert(m:try_lock(), "the lock is lost"):unlock()
      end
      print("right")
    ]]):gsub("SPIN", spin))
  end)
end)
