--- Operations that wait for sockets. (../cancel_table.md explains the fields.)
local rt = require("rt")
local help = require("cancel_table.help")

local pair, listener, connect, same_ends, accepts, serve, serves =
  help.pair, help.listener, help.connect, help.same_ends, help.accepts, help.serve, help.serves

return {
  ["recv of a stream"] = {
    prepare = function()
      local a, b = pair()
      return { a = a }, { b = b }
    end,
    wait = function(my)
      my.a:recv()
    end,
    check = function(my, their)
      their.b:write("kept\n")
      assert(my.a:read("l") == "kept")
    end,
  },
  ["read of a line"] = {
    prepare = function()
      local a, b = pair()
      b:write("half a ")
      return { a = a }, { b = b }
    end,
    wait = function(my)
      my.a:read("l")
    end,
    check = function(my, their)
      their.b:write("line\n")
      assert(my.a:read("l") == "half a line")
    end,
  },
  ["read inside a generator"] = {
    prepare = function()
      local a, b = pair()
      b:write("half a ")
      return { a = a }, { b = b }
    end,
    setup = function(my)
      return coroutine.wrap(function()
        while true do
          coroutine.yield(my.a:read("l"))
        end
      end)
    end,
    wait = function(_, own)
      for line in own do
        error(line)
      end
    end,
    check = function(my, their)
      their.b:write("line\n")
      assert(my.a:read("l") == "half a line")
    end,
  },
  ["lines of a stream"] = {
    prepare = function()
      local a, b = pair()
      b:write("one\nhalf a ")
      return { a = a }, { b = b }
    end,
    setup = function(my)
      local lines = my.a:lines()
      assert(lines() == "one")
      return lines
    end,
    wait = function(_, own)
      own()
    end,
    check = function(my, their)
      their.b:write("line\n")
      assert(my.a:read("l") == "half a line")
    end,
  },
  ["write to a peer that does not read"] = { -- a part of the last block may have been sent
    prepare = function()
      local a, b = pair()
      return { a = a, n = 0 }, { b = b }
    end,
    wait = function(my)
      local block = ("x"):rep(100000)
      while true do
        rt.critical(function()
          my.a:write(block)
          my.n = my.n + 1
        end)
      end
    end,
    check = function(my, their)
      my.a:close()
      local n = 0
      for part in their.b:lines(10000) do
        n = n + #part
      end
      assert(my.n * 100000 <= n and n < (my.n + 1) * 100000, my.n .. " blocks, " .. n .. " bytes")
    end,
  },
  accept = {
    prepare = function()
      return { l = listener() }
    end,
    wait = function(my)
      my.l:accept()
    end,
    check = function(my)
      accepts(my.l)
    end,
  },
  ["incoming connections"] = {
    prepare = function()
      local l = listener()
      return { l = l }, { c = connect(l) }
    end,
    wait = function(my)
      for stream in my.l:incoming() do
        stream:close()
      end
    end,
    check = function(my, their)
      assert(their.c:recv() == nil)
      accepts(my.l)
    end,
  },
  ["connect to a listener whose backlog is full"] = {
    prepare = function()
      local l = listener { backlog = 1 }
      local _, port = l:sock()
      return { port = port }, { l = l, first = connect(l), second = connect(l) }
    end,
    wait = function(my)
      rt.tcp.connect("127.0.0.1", my.port)
    end,
    check = function(_, their)
      for _, c in ipairs { their.first, their.second } do
        same_ends(c, their.l:accept())
      end
      accepts(their.l)
    end,
  },
  ["join of a server"] = {
    setup = function()
      return serve()
    end,
    wait = function(_, own)
      own.server:join()
    end,
    settle = function(my, own)
      if my.how ~= "shutdown" then
        connect(own.server):close()
      end
      serves(own)
    end,
  },
  ["close of a server, whose handler goes on"] = {
    setup = function()
      return serve()
    end,
    wait = function(_, own)
      own.server:close(1000)
    end,
    settle = function(_, own)
      serves(own)
    end,
  },
}
