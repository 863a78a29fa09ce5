--- The chat servers of examples/, with nc and with many clients at once.
local clients = require("clients")
local examples = require("examples")
local kit = require("kit")
local rt = require("rt")

if not examples.has_shell() then
  pending("examples: no shell can be started here")
  return
end

local nc = examples.nc
local serve = examples.serve

--- Defines a spec with a deadline.
local function promise(title, f)
  it(title, examples.within_deadline(f))
end

describe("examples:", function()
  after_each(kit.forget)

  describe("chat", function()
    --- Connects a client of this process, with a name.
    local function join(port, name)
      local stream = clients.connect(port)
      assert.equal("your name?", (stream:read("l")))
      assert(stream:write(name, "\n"))
      assert.equal("* " .. name .. " joined", (stream:read("l")))
      return stream
    end

    promise("names, notices of who joins and leaves, and every line to everybody", function()
      local server, port = serve("chat")
      local ann = nc(port)
      assert.equal("your name?", ann:line())
      assert.equal("* ann joined", ann:type("ann"):line())
      local bob = nc(port)
      assert.equal("your name?", bob:line())
      assert.equal("* bob joined", bob:type("bob"):line())
      assert.equal("* bob joined", ann:line())
      local eve = join(port, "eve")
      for _, client in ipairs { ann, bob } do
        assert.equal("* eve joined", client:line())
      end
      ann:type("hello, everybody")
      for _, client in ipairs { ann, bob } do
        assert.equal("ann: hello, everybody", client:line())
      end
      assert.equal("ann: hello, everybody", (eve:read("l")))
      eve:write("hi, ann\r\n")
      for _, client in ipairs { ann, bob } do
        assert.equal("eve: hi, ann", client:line())
      end
      assert.equal("eve: hi, ann", (eve:read("l")))
      bob:stop("TERM")
      assert.equal("* bob left", ann:line())
      assert.equal("* bob left", (eve:read("l")))
      eve:close()
      assert.equal("* eve left", ann:line())
      clients.assert_quiet(server)
    end)

    promise("asks again for a name that is taken, empty, too long or none", function()
      local server, port = serve("chat")
      local ann <close> = join(port, "ann")
      local other <close> = clients.connect(port)
      assert.equal("your name?", (other:read("l")))
      for _, name in ipairs { "ann", "", "  ", "two words", ("x"):rep(21), "\0", "*" } do
        other:write(name, "\n")
        assert.equal("taken, or not a name", (other:read("l")))
        assert.equal("your name?", (other:read("l")))
      end
      other:write(" bob \r\n")
      assert.equal("* bob joined", (other:read("l")))
      assert.equal("* bob joined", (ann:read("l")))
      other:close()
      assert.equal("* bob left", (ann:read("l")))
      join(port, "bob"):close() -- the name is free again
      clients.assert_quiet(server)
    end)

    promise("a client may leave without a name, or in the middle of a line", function()
      local server, port = serve("chat")
      local ann <close> = join(port, "ann")
      clients.connect(port):close()
      clients.exchange(port, "an")
      assert.equal("* an joined", (ann:read("l")))
      assert.equal("* an left", (ann:read("l")))
      clients.exchange(port, "tom\nhalf a line")
      assert.equal("* tom joined", (ann:read("l")))
      assert.equal("tom: half a line", (ann:read("l")))
      assert.equal("* tom left", (ann:read("l")))
      clients.assert_quiet(server)
    end)

    --- Ann sends lines of 1 KB, and receives each of them, until n other clients have left.
    local function flood(ann, n, after_round)
      local line, round, left = ("x"):rep(998), 0, 0
      local lines = (line .. "\n"):rep(50)
      repeat
        round = round + 1
        assert(round <= 2000, "the server keeps 100 MB for a client that does not read")
        assert(ann:write(lines))
        for _ = 1, 50 do
          local got = ann:read("l")
          while got:find("^%* %w+ left$") do
            left, got = left + 1, ann:read("l")
          end
          assert.equal("ann: " .. line, got)
        end
        after_round(round)
      until left == n
    end

    promise("a slow reader holds nobody up, and is shown the door", function()
      local server, port = serve("chat")
      local ann <close> = join(port, "ann")
      local slow <close> = join(port, "slow") -- this client never reads
      assert.equal("* slow joined", (ann:read("l")))
      flood(ann, 1, function() end)
      clients.assert_quiet(server)
    end)

    promise("one who talks without reading is shown the door, and nothing else", function()
      local server, port = serve("chat")
      local ann <close> = join(port, "ann")
      local loud = join(port, "loud")
      assert.equal("* loud joined", (ann:read("l")))
      local lines, heard = (("x"):rep(998) .. "\n"):rep(100), 0
      local hearing = rt.spawn_local(function()
        while ann:read("l") ~= "* loud left" do
          heard = heard + 1
        end
      end)
      while loud:write(lines) and heard < 100000 do
        rt.yield()
      end
      loud:close()
      hearing:join()
      clients.assert_quiet(server)
    end)

    promise("slow readers may leave while lines wait for them", function()
      local server, port = serve("chat")
      local ann <close> = join(port, "ann")
      local slow = {}
      for i = 1, 16 do
        slow[i] = join(port, "slow" .. i)
        assert.equal(("* slow%d joined"):format(i), (ann:read("l")))
      end
      flood(ann, #slow, function(round)
        local leaving = round % 8 == 0 and slow[round // 8]
        if leaving then
          leaving:shutdown()
        end
      end)
      clients.assert_quiet(server)
    end)

    promise("fifty clients who all talk at once hear every line", function()
      local server, port = serve("chat")
      local streams = {}
      for i = 1, 50 do
        streams[i] = join(port, "c" .. i)
        for k = 1, i - 1 do
          assert.equal(("* c%d joined"):format(i), (streams[k]:read("l")))
        end
      end
      server:signal("STOP") -- so that the server finds all lines at once
      for i = 1, 50 do
        assert(streams[i]:write(("x\n"):rep(60)))
      end
      server:signal("CONT")
      clients.concurrently(50, function(i)
        local heard = {}
        for _ = 1, 50 * 60 do
          local name = streams[i]:read("l"):match("^(c%d+): x$")
          heard[name] = (heard[name] or 0) + 1
        end
        for k = 1, 50 do
          assert.equal(60, heard["c" .. k])
        end
      end)
      clients.assert_quiet(server)
    end)
  end)

  describe("chat_rooms", function()
    local function enter(port, n)
      local stream = clients.connect(port)
      assert.equal(("* guest%d came to hall"):format(n), (stream:read("l")))
      return stream
    end

    local function hears(line, ...)
      for i, stream in ipairs { ... } do
        assert.equal(line, (stream:read("l")), "client " .. i)
      end
    end

    promise("rooms keep apart, and whoever changes takes what was typed along", function()
      local server, port = serve("chat_rooms")
      local ann = nc(port)
      assert.equal("* guest1 came to hall", ann:line())
      assert.equal("* guest1 is now ann", ann:type("/name ann"):line())
      local bob = enter(port, 2)
      assert.equal("* guest2 came to hall", ann:line())
      bob:write("hello\r\n/room nowhere\n/room lua\nfirst\n/name bob\nsecond\n") -- all at once
      hears("guest2: hello", bob)
      hears("guest2: /room nowhere", bob)
      hears("* guest2 came to lua", bob)
      hears("guest2: first", bob)
      hears("* guest2 is now bob", bob)
      hears("bob: second", bob)
      assert.equal("guest2: hello", ann:line())
      assert.equal("guest2: /room nowhere", ann:line())
      assert.equal("* guest2 left hall", ann:line())
      assert.equal("ann: alone", ann:type("alone"):line())
      assert.equal("* ann came to lua", ann:type("/room lua"):line())
      hears("* ann came to lua", bob)
      bob:close()
      assert.equal("* bob left lua", ann:line())
      clients.assert_quiet(server)
    end)

    promise("has the rooms that it is told", function()
      local server, port = serve("chat_rooms", "one two three")
      local stream <close> = clients.connect(port)
      stream:write("/room three\n/room two\n/room one\n")
      for _, room in ipairs { "one", "three", "two", "one" } do
        hears("* guest1 came to " .. room, stream)
      end
      clients.assert_quiet(server)
    end)

    promise("twenty clients wander through five rooms, and every line is heard", function()
      local names = { "hall", "b", "c", "d", "e" }
      local server, port = serve("chat_rooms", table.concat(names, " "))
      clients.concurrently(20, function(i)
        local stream <close> = clients.connect(port)
        local function wait_for(text)
          repeat
            local line = assert(stream:read("l"))
          until line == text
        end
        stream:write("/name c" .. i .. "\n")
        for n = 1, 20 do
          local room = names[(i + n) % #names + 1]
          stream:write(("/room %s\nI am in %s\n"):format(room, room))
          wait_for(("* c%d came to %s"):format(i, room))
          wait_for(("c%d: I am in %s"):format(i, room))
        end
      end)
      clients.assert_quiet(server)
    end)

    promise("one who talks without reading is shown the door, and nothing else", function()
      local server, port = serve("chat_rooms")
      local ann <close> = enter(port, 1)
      local loud = enter(port, 2)
      hears("* guest2 came to hall", ann)
      local lines, heard = (("x"):rep(998) .. "\n"):rep(100), 0
      local hearing = rt.spawn_local(function()
        while ann:read("l") ~= "* guest2 left hall" do
          heard = heard + 1
        end
      end)
      while loud:write(lines) and heard < 100000 do
        rt.yield()
      end
      loud:close()
      hearing:join()
      clients.assert_quiet(server)
    end)
  end)
end)
