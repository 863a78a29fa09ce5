--- TCP with the runtimes of other languages at the other end: bytes, half-closed connections,
--- resets. `make test-peers` runs it, and prints which of these programs are not installed.
local clients = require("clients")
local kit = require("kit")
local rt = require("rt")

local PROGRAMS = "spec/programs/peers/"

--- The command that starts the program of each peer; `build` runs before it.
local peers = {
  node = {
    command = function()
      return "node " .. PROGRAMS .. "echo.js "
    end,
  },
  go = {
    command = function()
      local program = kit.file(nil, ".echo")
      local build = "GO111MODULE=off GOCACHE=%s/gocache go build -o %s %secho.go"
      local code, out, err = kit.shell(build:format(kit.quote(kit.build), program, PROGRAMS), 120)
      assert(code == 0, out .. err)
      return program .. " "
    end,
  },
}

for _, name in ipairs { "node", "go" } do
  describe(name .. ":", function()
    --- Defines a spec that needs this peer; f gets the command that starts it.
    local function peer_it(title, f)
      it(title, function()
        kit.needs(pending, name)
        peers[name].started = peers[name].started or peers[name].command()
        local _, why = rt.timeout(60 * kit.slow, f, peers[name].started)
        assert.is_nil(why)
      end)
    end

    local function output_of(command)
      local code, out, err = kit.shell(command, 60)
      assert.same({ 0, "" }, { code, err })
      return out
    end

    --- Starts a server in the pool, whose handler gets the stream.
    local function serve(handler)
      local server = assert(rt.tcp.serve("127.0.0.1", 0, handler))
      local _, port = server:address()
      return server, port
    end

    local function echo(stream)
      while true do
        local data = stream:recv()
        if not data then
          break
        end
        stream:write(data)
      end
      stream:shutdown()
    end

    --- Starts a server of the peer in the background. Returns its port.
    local function start(command)
      return math.tointeger(kit.start(command):line())
    end

    peer_it("its clients, 100 at once, get back what they sent, and then the end", function(command)
      local server, port = serve(echo)
      for _, bytes in ipairs { 1, 1000, 300000 } do
        local out = output_of(("%s clients %d 100 %d"):format(command, port, bytes))
        assert.equal("100 of 100 are right\n", out)
      end
      server:close()
    end)

    peer_it(
      "a client that resets its connection is one error, and the others go on",
      function(command)
        local ends = rt.channel(1)
        local server, port = serve(function(stream)
          stream:write(stream:recv())
          local data, message, code = stream:recv()
          ends:send(tostring(data), message, code)
        end)
        for _ = 1, 3 do
          assert.equal("reset\n", output_of(("%s reset %d"):format(command, port)))
          assert.same(
            { "nil", "ECONNRESET: connection reset by peer", "ECONNRESET" },
            { ends:recv() }
          )
        end
        assert.equal("x", clients.connect(port):write("x"):read(1))
        server:close()
      end
    )

    peer_it("its server: clients of rt, 100 at once, get back what they sent", function(command)
      local port = start(command .. "server")
      for _, bytes in ipairs { 1, 1000, 300000 } do
        local right = 0
        clients.concurrently(100, function(i)
          local stream <close> = clients.connect(port)
          local data = ("%d,"):format(i):rep(bytes):sub(1, bytes)
          rt.spawn_local(function()
            stream:write(data)
            stream:shutdown()
          end)
          local back = stream:read("a")
          right = right + (back == data and 1 or 0)
        end)
        assert.equal(100, right)
      end
    end)

    peer_it("its server resets a connection: recv says so", function(command)
      local port = start(command .. "resetting")
      local stream <close> = clients.connect(port)
      stream:write("x")
      assert.same(
        { n = 3, nil, "ECONNRESET: connection reset by peer", "ECONNRESET" },
        table.pack(stream:recv())
      )
    end)
  end)
end
