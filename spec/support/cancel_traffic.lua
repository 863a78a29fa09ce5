--- Exchanges between two tasks, one of which is cancelled at any moment. Each row is an exchange of
--- that task with a partner, a task of the pool:
--   make()                  returns what both share: for the task; for the partner if it differs
--   step(my)                one step of the task, which repeats it until it is cancelled
--   partner(my, stop)       the partner's loop, until stop:get(1); returns what it sent or received
--   settle(my, partner)     compares what was sent with what was received and what is left
local rt = require("rt")
local help = require("cancel_table.help")

local same, pair, listener = help.same, help.pair, help.listener

return {
  ["messages to the one that is struck"] = {
    make = function()
      return { ch = rt.channel(math.random(0, 3)), sum = 0 }
    end,
    step = function(my)
      my.sum = my.sum + my.ch:recv()
    end,
    partner = function(my, stop)
      local sum, i = 0, 0
      repeat
        i = i + 1
        my.ch:send(i)
        sum = sum + i
      until stop:get(1)
      my.ch:close()
      return sum
    end,
    settle = function(my, partner)
      for i in my.ch:iter() do
        my.sum = my.sum + i
      end
      same(my.sum, partner:join())
    end,
  },
  ["messages from the one that is struck"] = {
    make = function()
      return { ch = rt.channel(math.random(0, 3)), sum = 0, i = 0 }
    end,
    step = function(my)
      my.ch:send(my.i + 1)
      my.i = my.i + 1
      my.sum = my.sum + my.i
    end,
    partner = function(my)
      local sum = 0
      for i in my.ch:iter() do
        sum = sum + i
      end
      return sum
    end,
    settle = function(my, partner)
      my.ch:close()
      same(my.sum, partner:join())
    end,
  },
  ["messages both ways, by select"] = {
    make = function()
      return { a = rt.channel(0), b = rt.channel(math.random(0, 1)), got = 0, sent = 0 }
    end,
    step = function(my)
      local which, i = rt.select(my.a:recv_op(), my.b:send_op(1))
      if which == 1 then
        my.got = my.got + i
      else
        my.sent = my.sent + 1
      end
    end,
    partner = function(my, stop)
      repeat
        local which, i = rt.select(my.a:send_op(1), my.b:recv_op(), rt.sleep_op(0.001))
        if which == 1 then
          my.sent = my.sent + 1
        elseif which == 2 then
          my.got = my.got + i
        end
      until stop:get(1)
      return my.got, my.sent
    end,
    settle = function(my, partner)
      local got, sent = partner:join()
      if my.b:try_recv() then
        got = got + 1
      end
      same(my.got, sent)
      same(my.sent, got)
    end,
  },
  ["lines of a connection"] = {
    make = function()
      local a, b = pair()
      return { a = a, sum = 0 }, { b = b }
    end,
    step = function(my)
      my.sum = my.sum + my.a:read("l")
    end,
    partner = function(my, stop)
      local sum, i = 0, 0
      repeat
        i = i + 1
        my.b:write(i // 10) -- half a line may have been sent
        my.b:write(i % 10, "\n")
        sum = sum + i
      until stop:get(1)
      my.b:close()
      return sum
    end,
    settle = function(my, partner)
      for i in my.a:lines() do
        my.sum = my.sum + i
      end
      same(my.sum, partner:join())
    end,
  },
  ["connections"] = {
    make = function()
      local l = listener { backlog = 4000 }
      local _, port = l:sock()
      return { l = l, taken = 0 }, { port = port }
    end,
    step = function(my)
      local stream <close> = my.l:accept()
      my.taken = my.taken + 1
    end,
    partner = function(my, stop)
      local n = 0
      repeat
        assert(rt.tcp.connect("127.0.0.1", my.port)):close()
        n = n + 1
      until stop:get(1)
      return n
    end,
    settle = function(my, partner)
      local n = partner:join()
      local function next_stream()
        return (rt.timeout(0, my.l.accept, my.l))
      end
      for stream in next_stream do
        stream:close()
        my.taken = my.taken + 1
      end
      same(my.taken, n)
    end,
  },
  ["permits"] = {
    make = function()
      return { s = rt.semaphore(3), has = 0 }
    end,
    step = function(my)
      my.s:acquire(2)
      my.has = 2
      rt.yield()
      my.s:release(2)
      my.has = 0
    end,
    partner = function(my, stop)
      repeat
        local two <close> = my.s:permit(2)
        rt.yield()
      until stop:get(1)
    end,
    settle = function(my, partner)
      if my.has > 0 then
        my.s:release(my.has)
      end
      partner:join()
      same(#my.s, 3)
    end,
  },
  ["turns with a lock"] = {
    make = function()
      return { m = rt.mutex(0), n = 0 }
    end,
    step = function(my)
      my.m:update(function(n)
        my.n = my.n + 1
        return n + 1
      end)
    end,
    partner = function(my, stop)
      local mine = 0
      repeat
        my.m:update(function(n)
          mine = mine + 1
          return n + 1
        end)
      until stop:get(1)
      return mine
    end,
    settle = function(my, partner)
      local theirs = partner:join()
      same(my.m:try_lock():get(), my.n + theirs)
    end,
  },
}
