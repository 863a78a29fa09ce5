--- Operations that wait for channels. (../cancel_table.md explains the fields.)
local rt = require("rt")
local help = require("cancel_table.help")

local partner = help.partner

return {
  ["recv of a channel"] = {
    prepare = function()
      return { ch = rt.channel(0) }
    end,
    wait = function(my)
      my.ch:recv()
    end,
    check = function(my)
      assert(select(2, my.ch:try_send("nobody is there")) == "full")
    end,
  },
  ["a loop over a channel"] = {
    prepare = function()
      local ch = rt.channel(2)
      ch:send("taken")
      return { ch = ch }
    end,
    wait = function(my)
      for v in my.ch:iter() do
        assert(v == "taken")
      end
    end,
    check = function(my)
      my.ch:send("kept")
      assert(my.ch:try_recv() == "kept")
    end,
  },
  ["recv of a channel that a task of the pool sends to later"] = {
    prepare = function()
      local ch, go = rt.channel(0), rt.channel(0)
      partner(function()
        go:recv()
        ch:send("kept")
      end)
      return { ch = ch }, { go = go }
    end,
    wait = function(my)
      my.ch:recv()
    end,
    check = function(my, their)
      their.go:send(true)
      assert(my.ch:recv() == "kept")
    end,
  },
  ["send to a channel"] = {
    prepare = function()
      return { ch = rt.channel(0) }
    end,
    wait = function(my)
      my.ch:send("not sent")
    end,
    check = function(my)
      assert(select(2, my.ch:try_recv()) == "empty")
    end,
  },
  ["send to a channel that is full"] = {
    prepare = function()
      local ch = rt.channel(1)
      ch:send("kept")
      return { ch = ch }
    end,
    wait = function(my)
      my.ch:send("not sent")
    end,
    check = function(my)
      assert(my.ch:recv() == "kept")
      assert(select(2, my.ch:try_recv()) == "empty")
    end,
  },
  ["send to a channel that has no room for the bytes"] = {
    prepare = function()
      local ch = rt.channel(9, { bytes = 100 })
      ch:send("kept")
      return { ch = ch }
    end,
    wait = function(my)
      my.ch:send(("not sent"):rep(20))
    end,
    check = function(my)
      assert(my.ch:try_send("not in the way"))
      assert(my.ch:recv() == "kept" and my.ch:recv() == "not in the way")
      assert(select(2, my.ch:try_recv()) == "empty")
    end,
  },
}
