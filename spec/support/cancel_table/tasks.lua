--- Operations that wait for time or for tasks, and what shields do. (../cancel_table.md explains
--- the fields.)
local rt = require("rt")
local help = require("cancel_table.help")

local partner, rest, all_children_gone = help.partner, help.rest, help.all_children_gone

return {
  sleep = {
    wait = function()
      rt.sleep(1000)
    end,
  },
  ["an interval"] = {
    setup = function()
      local i = rt.interval(1000)
      i()
      return i
    end,
    wait = function(_, own)
      own()
    end,
    settle = function(_, own)
      assert(own.tick == 1)
    end,
  },
  ["many waits, each swallowed by pcall"] = {
    prepare = function()
      return { ch = rt.channel(0) }
    end,
    wait = function(my)
      for _ = 1, 50 do
        pcall(rt.sleep, 1000)
        pcall(my.ch.recv, my.ch)
      end
      error(select(2, pcall(rt.sleep, 1000)), 0)
    end,
  },

  ["join of a local task"] = {
    setup = function()
      return rt.spawn_local(rt.sleep, 1000)
    end,
    wait = function(_, own)
      own:join()
    end,
    settle = function(my, own)
      assert(my.how == "shutdown" or own:status() == "waiting")
      own:cancel()
    end,
  },
  ["join of a task of the pool"] = {
    prepare = function()
      local go = rt.channel(0)
      return { task = partner(function()
        go:recv()
        return "its result"
      end) }, { go = go }
    end,
    wait = function(my)
      my.task:join()
    end,
    check = function(my, their)
      their.go:send(true)
      assert(my.task:join() == "its result")
    end,
  },
  ["rt.call"] = {
    wait = function(my)
      rt.call(rest, my)
    end,
    check = function(my)
      all_children_gone(my)
    end,
  },
  ["rt.map"] = {
    wait = function(my)
      rt.map(2, { my, my, my }, rest)
    end,
    check = function(my)
      all_children_gone(my)
    end,
  },
  ["rt.each whose iterator waits"] = {
    setup = function()
      return { ch = rt.channel(0) }
    end,
    wait = function(my, own)
      local given = false
      rt.each(4, function()
        if given then
          return own.ch:recv()
        end
        given = true
        return my
      end, rest)
    end,
    settle = function(_, own)
      assert(select(2, own.ch:try_send("nobody is there")) == "full")
    end,
    check = function(my)
      all_children_gone(my)
    end,
  },
  ["the pause of rt.retry"] = {
    setup = function()
      return { calls = 0 }
    end,
    wait = function(_, own)
      rt.retry({ tries = math.huge, backoff = 1000, jitter = false }, function()
        own.calls = own.calls + 1
        error("failed")
      end)
    end,
    settle = function(_, own)
      assert(own.calls == 1)
    end,
  },
  ["a scope"] = {
    wait = function(my)
      rt.scope(function(s)
        s:spawn(rest, my)
        s:spawn_local(rest, my)
      end)
    end,
    check = function(my)
      all_children_gone(my)
    end,
  },
  ["next of a scope"] = {
    setup = function()
      return {}
    end,
    wait = function(my, own)
      rt.scope(function(s)
        own.scope = s
        s:spawn(rest, my)
        s:next()
      end)
    end,
    settle = function(_, own)
      assert(own.scope:next():status() == "cancelled" and own.scope:next() == nil)
    end,
    check = function(my)
      all_children_gone(my)
    end,
  },
  ["a race"] = {
    wait = function(my)
      local function f()
        rest(my)
      end
      rt.race(f, f)
    end,
    check = function(my)
      all_children_gone(my)
    end,
  },
  ["rt.join"] = {
    wait = function(my)
      local function f()
        rest(my)
      end
      rt.join(f, f)
    end,
    check = function(my)
      all_children_gone(my)
    end,
  },
  ["a timeout around a wait"] = {
    wait = function()
      rt.timeout(1000, rt.sleep, 2000)
    end,
  },
  ["spawn_blocking with a full queue"] = {
    prepare = function()
      local has, go, ran, n = rt.semaphore(0), rt.channel(0), rt.dict(), 0
      rt.spawn_blocking(function()
        has:release()
        go:recv()
      end)
      has:acquire() -- the job occupies the only thread
      while rt.timeout(0, rt.spawn_blocking, function()
        ran:incr("queued")
      end) do
        n = n + 1
      end
      return { ran = ran }, { go = go, n = n }
    end,
    wait = function(my)
      local ran = my.ran
      rt.spawn_blocking(function()
        ran:incr("refused")
      end)
      if my.how == "shutdown" then
        rt.sleep(1000)
      end -- the queue has been emptied then
    end,
    check = function(my, their)
      if my.how ~= "shutdown" then
        their.go:send(true)
        while my.ran:get("queued") ~= their.n do
          rt.sleep(0.001)
        end
        rt.spawn_blocking(function() end):join()
        assert(my.ran:get("queued") == their.n)
      end
      assert(my.ran:get("refused") == nil)
    end,
  },

  ["a wait under a shield that is over after a while"] = {
    prepare = function()
      return { ch = rt.channel(0) }
    end,
    wait = function(my)
      rt.shield(0.01, my.ch.recv, my.ch)
    end,
    check = function(my)
      assert(select(2, my.ch:try_send("nobody is there")) == "full")
    end,
  },
  ["not what the cleanup does under a shield"] = {
    prepare = function()
      local ask, answer = rt.channel(0), rt.channel(0)
      partner(function()
        answer:send(ask:recv() + 1)
      end)
      return { ask = ask, answer = answer }
    end,
    wait = function(my)
      local _, err = pcall(rt.sleep, 1000)
      rt.shield(function()
        my.ask:send(20)
        my.got = my.answer:recv()
      end)
      error(err, 0)
    end,
    check = function(my)
      assert(my.got == 21)
    end,
  },
}
