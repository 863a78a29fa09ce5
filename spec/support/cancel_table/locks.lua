--- Operations that wait for locks, permits and signals. (../cancel_table.md explains the fields.)
local rt = require("rt")
local help = require("cancel_table.help")

local partner, locked, is_free = help.partner, help.locked, help.is_free

return {
  ["lock of a mutex"] = {
    prepare = function()
      local m, go = locked()
      return { m = m }, { go = go }
    end,
    wait = function(my)
      my.m:lock()
    end,
    check = function(my, their)
      is_free(my.m, their.go)
    end,
  },
  ["with a mutex"] = {
    prepare = function()
      local m, go = locked()
      return { m = m }, { go = go }
    end,
    wait = function(my)
      my.m:with(error)
    end,
    check = function(my, their)
      is_free(my.m, their.go)
    end,
  },
  ["update of a mutex"] = {
    prepare = function()
      local m, go = locked()
      return { m = m }, { go = go }
    end,
    wait = function(my)
      my.m:update(error)
    end,
    check = function(my, their)
      is_free(my.m, their.go)
    end,
  },
  ["acquire of a semaphore"] = {
    prepare = function()
      return { s = rt.semaphore(2) }
    end,
    wait = function(my)
      my.s:acquire(3)
    end,
    check = function(my)
      assert(tostring(my.s) == "rt.semaphore (2 available, 0 waiting)")
    end,
  },
  ["permit of a semaphore"] = {
    prepare = function()
      return { s = rt.semaphore(0) }
    end,
    wait = function(my)
      local permit <close> = my.s:permit()
    end,
    check = function(my)
      my.s:release()
      assert(#my.s == 1)
    end,
  },
  ["with a semaphore"] = {
    prepare = function()
      return { s = rt.semaphore(0) }
    end,
    wait = function(my)
      my.s:with(error)
    end,
    check = function(my)
      my.s:release()
      my.s:with(function() end)
      assert(#my.s == 1)
    end,
  },
  ["acquire of a limiter"] = {
    prepare = function()
      local l = rt.limiter { rate = 1e-6, burst = 4 }
      l:acquire()
      return { l = l }
    end,
    wait = function(my)
      my.l:acquire(4)
    end,
    check = function(my)
      assert(my.l:available() == 3)
      my.l:acquire(3)
      assert(not my.l:try_acquire())
    end,
  },
  ["wait for a notify"] = {
    prepare = function()
      return { n = rt.notify() }
    end,
    wait = function(my)
      my.n:wait()
    end,
    check = function(my)
      my.n:notify_one()
      assert(tostring(my.n) == "rt.notify (notified)")
    end,
  },
  ["wait at a barrier"] = {
    prepare = function()
      return { b = rt.barrier(2) }
    end,
    wait = function(my)
      my.b:wait()
    end,
    check = function(my)
      assert(tostring(my.b) == "rt.barrier (0 of 2 waiting)")
    end,
  },
  ["a once"] = {
    prepare = function()
      return { once = rt.once() }
    end,
    wait = function(my)
      my.once:get(rt.sleep, 1000)
    end,
    check = function(my)
      assert(my.once:get(tostring, 1) == "1")
    end,
  },
  ["a once that somebody else makes"] = {
    prepare = function()
      local once, has, go = rt.once(), rt.semaphore(0), rt.semaphore(0)
      partner(function()
        once:get(function()
          has:release()
          go:acquire()
          return "theirs"
        end)
      end)
      has:acquire()
      return { once = once }, { go = go }
    end,
    wait = function(my)
      my.once:get(error)
    end,
    check = function(my, their)
      their.go:release()
      assert(my.once:get(tostring, "ours") == "theirs")
    end,
  },
}
