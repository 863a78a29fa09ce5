--- Selects: several operations at once. (../cancel_table.md explains the fields.)
local rt = require("rt")
local help = require("cancel_table.help")

local pair, listener, accepts, locked, is_free =
  help.pair, help.listener, help.accepts, help.locked, help.is_free

return {
  ["a select that receives and takes"] = {
    prepare = function()
      local m, go = locked()
      local l = rt.limiter { rate = 1e-6 }
      l:acquire()
      return { ch = rt.channel(0), s = rt.semaphore(0), m = m, l = l }, { go = go }
    end,
    wait = function(my)
      rt.select(
        my.ch:recv_op(),
        my.s:acquire_op(),
        my.m:lock_op(),
        my.l:acquire_op(),
        rt.sleep_op(1000)
      )
    end,
    check = function(my, their)
      assert(select(2, my.ch:try_send("nobody is there")) == "full")
      my.s:release()
      assert(#my.s == 1)
      assert(my.l:available() == 0 and tostring(my.l):find(" 0 waiting"))
      is_free(my.m, their.go)
    end,
  },
  ["a select of the next task of a scope"] = {
    wait = function(my)
      rt.scope(function(s)
        s:spawn(help.rest, my)
        rt.select(s:next_op(), rt.channel(0):recv_op())
      end)
    end,
    check = function(my)
      help.all_children_gone(my)
    end,
  },
  ["a select with a function for the message"] = {
    prepare = function()
      return { ch = rt.channel(0) }
    end,
    wait = function(my)
      rt.select(my.ch:recv_op():map(error), rt.sleep_op(1000))
    end,
    check = function(my)
      assert(select(2, my.ch:try_send("nobody is there")) == "full")
    end,
  },
  ["the function of op:map, whose operation has been done"] = {
    prepare = function()
      local ch = rt.channel(2)
      ch:send("taken")
      ch:send("kept")
      return { ch = ch }
    end,
    wait = function(my)
      rt.select(my.ch:recv_op():map(function(message)
        assert(message == "taken")
        rt.sleep(1000)
      end))
    end,
    check = function(my)
      assert(my.ch:recv() == "kept")
    end,
  },
  ["a select that sends"] = {
    prepare = function()
      return { one = rt.channel(0), other = rt.channel(0) }
    end,
    wait = function(my)
      rt.select(my.one:send_op("not sent"), my.other:send_op("not sent"))
    end,
    check = function(my)
      for _, ch in ipairs { my.one, my.other } do
        assert(select(2, ch:try_recv()) == "empty")
      end
    end,
  },
  ["a select of sockets"] = {
    prepare = function()
      local a, b = pair()
      return { a = a, l = listener() }, { b = b }
    end,
    wait = function(my)
      rt.select(my.a:recv_op(), my.l:accept_op())
    end,
    check = function(my, their)
      their.b:write("kept\n")
      assert(my.a:read("l") == "kept")
      accepts(my.l)
    end,
  },
}
