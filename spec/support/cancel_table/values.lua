--- Operations that wait for shared values. (../cancel_table.md explains the fields.)
local rt = require("rt")

return {
  ["change of a watch"] = {
    prepare = function()
      return { w = rt.watch(1) }
    end,
    wait = function(my)
      my.w:changed()
    end,
    check = function(my)
      my.w:set(2)
      assert(my.w:get() == 2)
    end,
  },
  ["recv of a watcher"] = {
    prepare = function()
      local w = rt.watch(1)
      return { watcher = w:subscribe() }, { w = w }
    end,
    wait = function(my)
      my.watcher:recv()
    end,
    check = function(my, their)
      their.w:set(2)
      assert(my.watcher:recv() == 2)
    end,
  },
  ["recv of a subscriber"] = {
    prepare = function()
      local b = rt.broadcast(1)
      return { s = b:subscribe() }, { b = b }
    end,
    wait = function(my)
      my.s:recv()
    end,
    check = function(my, their)
      their.b:send("kept")
      assert(my.s:recv() == "kept")
    end,
  },
  ["a loop over a subscriber"] = {
    prepare = function()
      local b = rt.broadcast(2)
      local s = b:subscribe()
      b:send("taken")
      return { s = s }, { b = b }
    end,
    wait = function(my)
      for v in my.s do
        assert(v == "taken")
      end
    end,
    check = function(my, their)
      their.b:send("kept")
      assert(my.s:try_recv() == "kept")
    end,
  },
  ["a loop over a watcher"] = {
    prepare = function()
      local w = rt.watch(1)
      local watcher = w:subscribe()
      w:set("taken")
      return { watcher = watcher }, { w = w }
    end,
    wait = function(my)
      for v in my.watcher:iter() do
        assert(v == "taken")
      end
    end,
    check = function(my, their)
      their.w:set("kept")
      assert(my.watcher:try_recv() == "kept")
    end,
  },
  ["update of a dict, whose function waits"] = {
    prepare = function()
      local d = rt.dict()
      d:set("n", 1)
      return { d = d }
    end,
    wait = function(my)
      my.d:update("n", function(n)
        rt.sleep(1000)
        return n + 1
      end)
    end,
    check = function(my)
      assert(my.d:update("n", function(n)
        return n + 10
      end) == 11)
    end,
  },
}
