local kit = require("kit")
local rt = require("rt")

--- The same script with 1, 2 and 4 workers and both ways to spread connections: what it prints.
local function each(script, expected)
  for _, balance in ipairs { "reuseport", "handoff" } do
    for _, n in ipairs { 1, 2, 4 } do
      local path = kit.file(script)
      local code, out, err = kit.shell(
        ("RT_WORKERS=%d exec env %s %s %s %s"):format(
          n,
          kit.host_env,
          kit.quote(kit.host),
          path,
          balance
        ),
        60
      )
      assert.same({ 0, expected, "" }, { code, out, err }, balance .. ", workers: " .. n)
    end
  end
end

describe("rt.tcp.serve", function()
  it("each connection is a task of the pool", function()
    each(
      [[
      local rt = require "rt"
      local seen = 0
      local server = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
        seen = seen + 1
        for line in stream:lines() do stream:write(seen, " ", line:upper(), "\n") end
      end, { balance = ... }))
      local host, port, family = server:address()
      local clients = {}
      for i = 1, 100 do
        clients[i] = rt.spawn_local(function()
          local c = assert(rt.tcp.connect(host, port))
          for round = 1, 3 do
            c:write("hello ", i, " ", round, "\n")
            local answer = c:read("l")
            assert(answer == "1 HELLO " .. i .. " " .. round, answer)
          end
          c:close()
        end)
      end
      for i = 1, 100 do clients[i]:join() end
      server:close()
      server:join()
      print(host, family, seen, (select(3, rt.tcp.connect(host, port))))
    ]],
      "127.0.0.1\tinet\t0\tECONNREFUSED\n"
    )
  end)

  it("connections are spread over the workers", function()
    local out = kit.run([[
      local rt = require "rt"
      rt.configure{ workers = 4 }
      local server = rt.tcp.serve("127.0.0.1", 0, function(stream)
        local t = os.clock()
        while os.clock() - t < 0.002 do end
        stream:write(tostring(_G))
      end)
      local _, port = server:address()
      local states, n, clients = {}, 0, {}
      for i = 1, 200 do
        clients[i] = rt.spawn_local(function()
          local state = assert(rt.tcp.connect("127.0.0.1", port)):read("a")
          if not states[state] then states[state] = true n = n + 1 end
        end)
      end
      for i = 1, 200 do clients[i]:join() end
      server:close()
      os.exit(n)
    ]])
    assert.equal(4, out, "worker states")
  end)

  it("close lets running handlers finish within the grace, then cancels them", function()
    each(
      [[
      local rt = require "rt"
      local log = rt.channel(10)
      local server = rt.tcp.serve("127.0.0.1", 0, function(stream)
        local guard <close> = setmetatable({}, { __close = function() log:try_send("closed") end })
        local wish = stream:read("l")
        log:send(wish)
        rt.sleep(wish == "short" and 0.05 or 1000)
        log:send("done")
        stream:write("bye")
      end, { balance = ... })
      local _, port = server:address()
      local a = rt.tcp.connect("127.0.0.1", port)
      a:write("short\n")
      print(log:recv())
      local t = rt.now()
      server:close()
      print(log:recv(), log:recv(), a:read("a"), rt.now() - t < 2)
      server = rt.tcp.serve("127.0.0.1", 0, function(stream)
        local guard <close> = setmetatable({}, { __close = function() log:try_send("closed") end })
        log:send(stream:read("l"))
        rt.sleep(1000)
      end, { balance = ... })
      local b = rt.tcp.connect("127.0.0.1", (select(2, server:address())))
      b:write("long\n")
      print(log:recv())
      t = rt.now()
      server:close(0.05)
      print(log:recv(), b:read("a"), rt.now() - t >= 0.05, rt.now() - t < 2)
    ]],
      "short\ndone\tclosed\tbye\ttrue\nlong\nclosed\t\ttrue\ttrue\n"
    )
  end)

  it("a handler that fails is reported, its stream is closed, and the others go on", function()
    local code, out, err = kit.run([[
      local rt = require "rt"
      local server = rt.tcp.serve("127.0.0.1", 0, function(stream)
        local line = stream:read("l")
        if line == "fail" then error("handler failed") end
        stream:write(line)
      end)
      local _, port = server:address()
      local function ask(what)
        local c = rt.tcp.connect("127.0.0.1", port)
        c:write(what, "\n")
        return c:read("a")
      end
      print(ask("one"), ask("fail"), ask("two"))
      server:close()
    ]])
    assert.same({ 1, "one\t\ttwo\n" }, { code, out })
    assert.matches("rt: unhandled error in task %d+, .*handler failed", err)
  end)

  it("its tasks were spawned by who called it", function()
    local code, out = kit.run([[
      local rt = require "rt"
      local server = rt.tcp.serve("127.0.0.1", 0, function(stream) stream:read("l") end)
      local client = assert(rt.tcp.connect(server:address()))
      local sites, n = {}, 0
      repeat
        rt.sleep(0.01)
        sites, n = {}, 0
        for _, task in ipairs(rt.tasks()) do
          if task.name ~= "main" then n = n + 1 sites[task.spawned:match(":%d+$")] = true end
        end
      until n > rt.workers()
      for site in pairs(sites) do print(site) end
    ]])
    assert.same({ 0, ":2\n" }, { code, out })
  end)

  it("close while clients come: each has an answer or was refused", function()
    each(
      [[
      local rt = require "rt"
      local server = rt.tcp.serve("127.0.0.1", 0, function(stream)
        local line = stream:read("l")
        rt.sleep(0.002)
        stream:write(line, "\n")
      end, { balance = ... })
      local _, port = server:address()
      local wrong, answered = 0, 0
      local clients = {}
      for i = 1, 50 do
        clients[i] = rt.spawn_local(function()
          while true do
            local c = rt.tcp.connect("127.0.0.1", port)
            if not c then return end
            if c:write("ping\n") then
              local answer, message, code = c:read("l")
              if answer == "ping" then answered = answered + 1
              elseif answer or (code and code ~= "ECONNRESET") then wrong = wrong + 1 end
            end
            c:close()
          end
        end)
      end
      repeat rt.sleep(0.01) until answered > 50
      server:close()
      for i = 1, 50 do clients[i]:join() end
      print(wrong, answered > 50)
    ]],
      "0\ttrue\n"
    )
  end)

  it("a close that is refused has closed nothing", function()
    local server <close> = assert(rt.tcp.serve("127.0.0.1", 0, function(stream)
      stream:write(stream:read("L"))
    end))
    for _, wrong in ipairs { "x", {}, -1, 0 / 0, false } do
      local message = kit.refused(server.close, server, wrong)
      assert.matches("bad argument #1 to 'close' %(a number of seconds expected", message)
    end
    local _, port = server:address()
    local client = assert(rt.tcp.connect("127.0.0.1", port))
    client:write("still here\n")
    assert.equal("still here", client:read("l"))
  end)

  it(
    "is not there with some of its listeners only: then it says why, and nothing is left",
    function()
      local code, out, err =
        kit.shell(("ulimit -n 64; exec env RT_WORKERS=4 %s"):format(kit.command([[
      local rt = require "rt"
      local first = assert(rt.tcp.serve("127.0.0.1", 0, print))
      for i = 1, 4 do -- until all workers have what they need
        repeat rt.sleep(0.001) until first.acceptors[i]:status() ~= "queued"
      end
      first:close()
      for free = 6, 0, -1 do
        local files = {}
        while true do
          local f = io.open("/dev/null")
          if not f then break end
          files[#files + 1] = f
        end
        for _ = 1, free do table.remove(files):close() end
        local server, _, code = rt.tcp.serve("127.0.0.1", 0, print)
        if server then server:close() end
        print(server and #server.acceptors or code)
        for _, f in ipairs(files) do f:close() end
      end
    ]])))
      assert.equal(0, code, err)
      assert.matches("4\n", out)
      assert.matches("EMFILE\nEMFILE\n$", out)
      assert.is_nil(out:find("[123]\n"), out)
    end
  )

  it("a port that another server listens on is in use, however many workers share it", function()
    each(
      [[
      local rt = require "rt"
      local server = assert(rt.tcp.serve("127.0.0.1", 0, print))
      local _, port = server:address()
      print(select(3, rt.tcp.serve("127.0.0.1", port, print)))
      server:close()
      assert(rt.tcp.serve("127.0.0.1", port, print)):close()
    ]],
      "EADDRINUSE\n"
    )
  end)

  it("a port in use, bad arguments", function()
    local l = rt.tcp.listen("127.0.0.1", 0)
    local _, port = l:sock()
    local nothing, message, code = rt.tcp.serve("127.0.0.1", port, print)
    assert.is_nil(nothing)
    assert.equal("EADDRINUSE", code)
    assert.matches("^EADDRINUSE: ", message)
    l:close()
    assert.matches("function expected, got nil", kit.refused(rt.tcp.serve, "127.0.0.1", 0))
    assert.matches("balance", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { balance = "x" }))
    assert.matches(
      "unknown option 'balanc'",
      kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { balanc = 1 })
    )
    assert.matches("backlog", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { backlog = "x" }))
    assert.matches("nodelay", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { nodelay = "x" }))
    assert.matches("#1 to 'serve'", kit.refused(rt.tcp.serve))
    assert.matches("port from 0 to 65535", kit.refused(rt.tcp.serve, "127.0.0.1", 70000, print))
    assert.matches("grace", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { grace = "x" }))
    assert.matches("grace", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, { grace = -1 }))
    assert.matches("table expected", kit.refused(rt.tcp.serve, "127.0.0.1", 0, print, 5))
    local file = io.tmpfile()
    assert.matches(
      "upvalue 'file'",
      kit.refused(rt.tcp.serve, "127.0.0.1", 0, function()
        return file
      end)
    )
  end)
end)
