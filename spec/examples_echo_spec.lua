--- The echo servers and the proxy of examples/, with nc and with many clients at once.
local clients = require("clients")
local examples = require("examples")
local kit = require("kit")
local rt = require("rt")

if not examples.has_shell() then
  pending("examples: no shell can be started here")
  return
end

local assert_contains = examples.assert_contains
local assert_matches = examples.assert_matches
local assert_output = examples.assert_output
local free_port = examples.free_port
local nc = examples.nc
local peers = examples.peers
local run = examples.run
local serve = examples.serve

--- Defines a spec with a deadline.
local function promise(title, f)
  it(title, examples.within_deadline(f))
end

describe("examples:", function()
  after_each(kit.forget)

  --- Specs for both echo servers.
  local function echoes(name)
    promise("answers nc", function()
      local server, port = serve(name)
      local code, out = peers(("printf 'one\\ntwo' | nc -N 127.0.0.1 %d"):format(port))
      assert.equal(0, code)
      assert.equal("one\ntwo", out)
      local typed = nc(port)
      assert.equal("at once", typed:type("at once"):line())
      assert.equal("and again", typed:type("and again"):line())
      clients.assert_quiet(server)
    end)

    promise("sends three megabytes back to nc as they were", function()
      local _, port = serve(name)
      local file = kit.file(nil, ".bin")
      local code, out, err = peers(
        ([[head -c 3000000 /dev/urandom >%s
        nc -N 127.0.0.1 %d <%s | cmp - %s && wc -c <%s]]):format(
          file,
          port,
          file,
          file,
          file
        )
      )
      assert.same({ 0, "3000000\n", "" }, { code, out, err })
    end)

    promise("serves 200 clients at once", function()
      local server, port = serve(name)
      local streams = {}
      clients.concurrently(200, function(i)
        streams[i] = clients.connect(port)
      end)
      clients.concurrently(200, function(i)
        for n = 1, 5 do
          local text = ("line %d of client %d"):format(n, i)
          assert(streams[i]:write(text, "\n"))
          assert.equal(text, (streams[i]:read("l")))
        end
      end)
      clients.assert_quiet(server)
    end)

    promise("survives a client that resets its connection", function()
      local server, port = serve(name)
      for _ = 1, 20 do
        local rude = clients.connect(port)
        assert(rude:write("never read"))
        assert.equal("n", (rude:recv(1))) -- the rest is there, too, so a close sends a reset
        rude:close()
      end
      assert.equal("still there", clients.exchange(port, "still there"))
      clients.assert_quiet(server)
    end)
  end

  describe("echo_server", function()
    echoes("echo_server")
  end)
  describe("echo_all_cores", function()
    echoes("echo_all_cores")
  end)

  describe("echo_client", function()
    promise("prints what it says, and words of one's own", function()
      local _, port = serve("echo_server")
      local code, out, err = run("echo_client", port)
      assert.equal("", err)
      assert_output("echo_client", out)
      assert.equal(0, code)
      code, out = run("echo_client", port .. " 'two words' x")
      assert.same({ 0, "two words -> two words\nx -> x\n" }, { code, out })
    end)

    promise("fails when nobody listens", function()
      local code, out, err = run("echo_client", free_port())
      assert.same({ 1, "" }, { code, out })
      assert_contains("ECONNREFUSED: connection refused", err)
    end)
  end)

  describe("tcp_proxy", function()
    promise("passes lines on between nc and an echo server, and logs them", function()
      local _, echo = serve("echo_server")
      local proxy, port = serve("tcp_proxy", "127.0.0.1:" .. echo)
      local code, out = peers(("printf 'one\\r\\ntwo\\n' | nc -N 127.0.0.1 %d"):format(port))
      assert.equal(0, code)
      assert.equal("one\r\ntwo\n", out)
      local log = {}
      repeat
        local line = proxy:line()
        log[#log + 1] = line:gsub("^%d+ ", "")
      until line:find("closed$")
      table.sort(log)
      assert.same({ "< one", "< two", "> one", "> two", "closed" }, log)
      assert.is_nil(proxy:ended())
    end)

    promise("keeps 50 conversations apart", function()
      local _, echo = serve("echo_server")
      local proxy, port = serve("tcp_proxy", "127.0.0.1:" .. echo)
      clients.concurrently(50, function(i)
        local stream <close> = clients.connect(port)
        for n = 1, 10 do
          local text = ("line %d of client %d"):format(n, i)
          assert(stream:write(text, "\n"))
          assert.equal(text, (stream:read("l")))
        end
      end)
      local lines, closed = 0, 0
      repeat
        local line = proxy:line()
        if line:find("closed$") then
          closed = closed + 1
        else
          lines = lines + 1
          assert_matches("%d+ [<>] line %d+ of client %d+", line)
        end
      until closed == 50
      assert.equal(1000, lines)
    end)

    promise("hands a big answer on after the client has shut down", function()
      local _, echo = serve("echo_server")
      local _, port = serve("tcp_proxy", "127.0.0.1:" .. echo)
      local file, back = kit.file(nil, ".txt"), kit.file(nil, ".txt")
      local code, out, err = peers(([[seq 1 50000 >%s; nc -N 127.0.0.1 %d <%s >%s
        cmp %s %s && wc -l <%s]]):format(file, port, file, back, file, back, back))
      assert.same({ 0, "50000\n", "" }, { code, out, err })
    end)

    promise("passes on lines of any length, and logs how they begin", function()
      local upstream <close> = assert(rt.tcp.listen("127.0.0.1", 0))
      local _, upstream_port = upstream:sock()
      local proxy, port = serve("tcp_proxy", "127.0.0.1:" .. upstream_port)
      local client <close> = clients.connect(port)
      local text = ("a"):rep(3000000) .. "\nthe next\n"
      local sender = rt.spawn_local(function()
        client:write(text)
        client:shutdown()
      end)
      local server <close> = assert(upstream:accept())
      server:shutdown()
      local bytes = 0
      for data in
        function()
          return server:recv()
        end
      do
        bytes = bytes + #data
      end
      sender:join()
      assert.equal(#text, bytes)
      assert_matches("%d+ > " .. ("a"):rep(200), proxy:line())
      assert_matches("%d+ > the next", proxy:line())
    end)

    promise("closes the connection when the server cannot be reached, and says why", function()
      local nobody = free_port()
      local proxy, port = serve("tcp_proxy", "127.0.0.1:" .. nobody)
      local stream <close> = clients.connect(port)
      assert.is_nil((stream:recv()))
      local refused = "ECONNREFUSED: connection refused %(127.0.0.1:" .. nobody .. "%)"
      assert_matches("%d+ ! " .. refused, proxy:line())
      assert.is_nil(proxy:ended())
    end)

    promise("ends a conversation when the server resets it", function()
      local rude <close> = assert(rt.tcp.listen("127.0.0.1", 0))
      local _, upstream = rude:sock()
      local proxy, port = serve("tcp_proxy", "127.0.0.1:" .. upstream)
      local stream <close> = clients.connect(port)
      assert(stream:write("one\ntwo\n"))
      local server = assert(rude:accept())
      assert.equal("o", (server:recv(1)))
      server:close() -- input has not been read
      assert.is_nil((stream:read("l")))
      stream:close()
      repeat
        local line = proxy:line()
      until line:find("closed$")
      assert.is_nil(proxy:ended())
    end)

    it("says how it is used", function()
      local code, out, err = run("tcp_proxy", "0 nonsense")
      assert.same({ 1, "" }, { code, out })
      assert_contains("usage: tcp_proxy.lua [port [host:port]]", err)
    end)
  end)
end)
