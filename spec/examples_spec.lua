--- Every file in examples/ is run, and spoken to by real peers: curl, nc, wrk.
local clients = require("clients")
local kit = require("kit")
local rt = require("rt")

-- (a shell dies at once with libtsan loaded before it, as into a stock interpreter)
if not os.execute("true") then
  pending("examples: no shell can be started here")
  return
end

-- how each example is checked: "alone" (it runs to its end), or below, by what it serves
local checks = {
  hello = "alone",
  sleeps = "alone",
  tour = "alone",
  echo_server = "server",
  echo_client = "with an echo server",
  chat = "server",
  tcp_proxy = "server",
  fetch = "with an HTTP server",
  http_hello = "server",
  http = "a module of the HTTP servers",
  http_all_cores = "server",
  echo_all_cores = "server",
  chat_rooms = "server",
  parallel_map = "alone",
  primes = "alone",
  producer_consumer = "alone",
  two_listeners = "with two clients",
  shared_map = "with clients of both ports",
  ordered_pool = "alone",
  rate_limiter = "alone",
  pubsub = "alone",
  cache = "server",
  supervisor = "alone",
  happy_eyeballs = "alone",
  crawler = "alone",
  http_graceful = "server",
}

local modules = { http = true }
local no_output = { fetch = true, http = true }

local function names_where(how)
  local names = {}
  for name, check in pairs(checks) do
    if check == how then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

--- A spec with a deadline.
local function promise(title, f)
  it(title, function()
    local _, why = rt.timeout(20 * kit.slow, f)
    assert.is_nil(why)
  end)
end

local function path_of(name)
  return "examples/" .. name .. ".lua"
end

local function command(path, args)
  return ("%s %s %s %s"):format(kit.host_env, kit.quote(kit.host), path, args or "")
end

local function run(name, args)
  return kit.shell("exec env " .. command(path_of(name), args))
end

--- Runs curl, nc and the like: without the sanitizer that a stock interpreter is given.
local function peers(line)
  return kit.shell("unset LD_PRELOAD; " .. line)
end

--- What an example says it prints: { text =, pattern = } for each line.
local function expectations(name)
  local list = {}
  for line in io.lines(path_of(name)) do
    local tilde, text = line:match("^%-%- expect(~?): ?(.*)$")
    if text then
      list[#list + 1] = { text = text, pattern = tilde == "~" }
    end
  end
  return list
end

local function assert_contains(what, text)
  assert(text:find(what, 1, true), text .. "\ndoes not contain " .. what)
end

local function assert_matches(pattern, text)
  assert(text:find("^" .. pattern .. "$"), text .. "\ndoes not match " .. pattern)
end

local function assert_line(expected, line)
  if expected.pattern then
    assert_matches(expected.text, line)
  else
    assert.equal(expected.text, line)
  end
end

local function assert_output(name, output)
  local list, n = expectations(name), 0
  for line in output:gmatch("([^\n]*)\n") do
    n = n + 1
    assert(list[n], "more output than expected: " .. line)
    assert_line(list[n], line)
  end
  assert.equal(#list, n)
end

--- Starts a server example on a free port; it, and its port.
local function serve(name, args)
  local server = kit.start(command(path_of(name), "0 " .. (args or "")))
  local line = server:line()
  assert_line(expectations(name)[1], line)
  return server, math.tointeger(line:match("%d+$"))
end

local function url(port, path)
  return ("http://127.0.0.1:%d%s"):format(port, path or "/")
end

--- A port on which nobody listens.
local function free_port()
  local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
  return select(2, listener:sock())
end

local function count(text, what)
  return select(2, text:gsub(what, "%0"))
end

--- nc, with a pipe to type into: `it:type(text)`, `it:line()`.
local function nc(port)
  local fifo = kit.file(nil, ".fifo")
  assert(os.execute("mkfifo " .. fifo))
  local keyboard = assert(io.open(fifo, "r+"))
  local it = kit.start(("-u LD_PRELOAD sh -c 'exec nc 127.0.0.1 %d <%s'"):format(port, fifo))
  function it:type(text)
    keyboard:write(text, "\n")
    keyboard:flush()
    return self
  end
  return it
end

describe("examples:", function()
  after_each(kit.forget)

  it("each has a check, a head that says how to run it, and a line in the README", function()
    local seen, readme = 0, kit.read("examples/README.md")
    for path in io.popen("ls examples/*.lua"):lines() do
      local name = path:match("([^/]+)%.lua$")
      seen = seen + 1
      assert(checks[name], path .. " has no check in this spec")
      assert(#expectations(name) > 0 or no_output[name], path .. " does not say what it prints")
      assert_contains(("| [%s.lua](%s.lua) | "):format(name, name), readme)
      local text = kit.read(path)
      local head = text:match("^(.-)\nlocal ")
      local _, lines = head:gsub("[^\n]+", function(line)
        assert.equal("--", line:sub(1, 2), path)
      end)
      assert(lines >= 2 and lines <= 5, path .. ": a head of 2 to 5 lines")
      if not modules[name] then
        assert_contains(path, head)
      end
      for line in text:gmatch("[^\n]+") do
        assert(#line <= 100, path .. ": " .. line)
      end
    end
    for _ in pairs(checks) do
      seen = seen - 1
    end
    assert.equal(0, seen)
  end)

  for _, name in ipairs(names_where("alone")) do
    it(name .. " prints what it says", function()
      local code, out, err = run(name)
      assert.equal("", err)
      assert_output(name, out)
      assert.equal(0, code)
    end)
  end

  for _, name in ipairs(names_where("server")) do
    describe(name, function()
      promise("says that its port is taken, and fails", function()
        local server, port = serve(name)
        local code, out, err = run(name, port)
        assert.equal(1, code)
        assert.equal("", out)
        assert_contains("EADDRINUSE: address already in use (127.0.0.1:" .. port .. ")", err)
        clients.assert_quiet(server)
      end)

      promise("ends at Ctrl-C, with clients or without", function()
        for n = 0, 2 do
          local server, port = serve(name)
          local streams = {}
          for i = 1, n do
            streams[i] = clients.connect(port)
            streams[i]:write("GET") -- half of something
          end
          rt.sleep(0.01 * n) -- any moment will do
          local started = rt.now()
          server:signal("INT")
          assert.equal(kit.in_rt_lua and 130 or 1, server:wait(10))
          assert(rt.now() - started < 3 * kit.slow, "not promptly")
          for i = 1, n do
            streams[i]:close()
          end
          assert.equal("ECONNREFUSED", select(3, rt.tcp.connect("127.0.0.1", port)))
        end
      end)
    end)
  end

  describe("tour", function()
    it("fits into a terminal and into three seconds", function()
      local started = rt.now()
      local _, out = run("tour")
      assert(rt.now() - started < 3 * kit.slow, "slow")
      for line in out:gmatch("[^\n]+") do
        assert(#line <= 80, line)
      end
    end)

    --- The tour with a defect.
    local function broken(what, by)
      local text, n = kit.read("examples/tour.lua"):gsub(what, by)
      assert.equal(1, n)
      return kit.run(text)
    end

    it("fails when an answer is wrong", function()
      local code, out, err = broken('write%(text, "', 'write(text, "!')
      assert.equal(1, code)
      assert_contains('client 1 expected "line 1 of client 1" and got "line 1 of client 1!"', err)
      assert.is_nil(out:find("Every answer was right", 1, true))
    end)

    it("fails when a timeout does not happen", function()
      local code, out, err = broken("rt%.timeout%(0%.25, ask, ", "ask(")
      assert.equal(1, code)
      assert_contains("client 2: a wrong timeout", err)
      assert.is_nil(out:find("Every answer was right", 1, true))
    end)

    it("fails when the server has missed a line", function()
      local code, out, err = broken("lines = lines %+ 1", "lines = lines + #seconds")
      assert.equal(1, code)
      assert_contains("the server missed a line", err)
      assert.is_nil(out:find("Every answer was right", 1, true))
    end)
  end)

  --- What both echo servers promise.
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
        assert.equal("n", (rude:recv(1))) -- the rest has come, too: closing now is a reset
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

  describe("chat", function()
    --- A client of this process, with a name.
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

    --- Ann says lines of 1 KB, and hears each of them, until n others have left.
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
      local slow <close> = join(port, "slow") -- reads no more
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
      server:signal("STOP") -- so that all of it is there at once
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

  describe("two_listeners", function()
    promise("waits for a client on each port, in any order, and adds up", function()
      for _, order in ipairs { { 1, 2 }, { 2, 1 } } do
        local it = kit.start(command(path_of("two_listeners"), "0 0"))
        local ports = {}
        for i = 1, 2 do
          ports[i] = math.tointeger(it:line():match("%d+$"))
        end
        for _, which in ipairs(order) do
          local code, out = peers(("seq %d | nc -N 127.0.0.1 %d"):format(10 * which, ports[which]))
          assert.same({ 0, 10 * which .. " lines, thank you\n" }, { code, out })
        end
        assert.equal(0, it:wait())
        assert_output("two_listeners", it:output())
        assert_contains(("port %d: 10 lines, 21 bytes\n"):format(ports[1]), it:output())
        assert_contains(("port %d: 20 lines, 51 bytes\n"):format(ports[2]), it:output())
        assert_contains("in all: 30 lines\n", it:output())
      end
    end)

    promise("both accept at the same time", function()
      local it = kit.start(command(path_of("two_listeners"), "0 0"))
      local streams = {}
      for i = 1, 2 do
        streams[i] = clients.connect(math.tointeger(it:line():match("%d+$")))
      end
      for n = 1, 100 do -- by turns: neither has to wait for the other to end
        for i = 1, 2 do
          assert(streams[i]:write(n, "\n"))
        end
      end
      for i = 1, 2 do
        streams[i]:shutdown()
        assert.equal("100 lines, thank you", (streams[i]:read("l")))
      end
      assert.equal(0, it:wait())
      assert_contains("in all: 200 lines", it:output())
    end)
  end)

  --- With 1, 2 and 4 workers.
  local function on_workers(name, args, expected)
    for _, n in ipairs { 1, 2, 4 } do
      local line = ("RT_WORKERS=%d exec env %s"):format(n, command(path_of(name), args))
      local code, out, err = kit.shell(line)
      assert.same({ 0, expected, "" }, { code, out, err }, n .. " workers")
    end
  end

  describe("parallel_map", function()
    it("counts the words of many files, with any number of workers", function()
      local paths = {}
      for i = 1, 50 do
        paths[i] = kit.file(("the word %s\nThe end, the\n"):format(("w"):rep(i)), ".txt")
      end
      local expected =
        "50 files, 100 lines, 53 different words\n    150  the\n     50  end\n     50  word\n"
      on_workers("parallel_map", table.concat(paths, " "), expected)
    end)

    it("fails when a file cannot be read, and says which", function()
      local code, out, err = run("parallel_map", "README.md /no/such/file")
      assert.same({ 1, "" }, { code, out })
      assert_contains("/no/such/file: No such file or directory", err)
      assert_contains("examples/parallel_map.lua:13: in ", err) -- where it was joined
    end)
  end)

  describe("primes", function()
    it("sieves, with any number of workers", function()
      local expected = { 0 }
      for n = 2, 1000 do
        local divided = false
        for i = 2, #expected do
          divided = divided or n % expected[i] == 0
        end
        expected[#expected + 1] = not divided and n or nil
      end
      table.remove(expected, 1)
      local line = table.concat(expected, " ")
      on_workers("primes", 1000, ("%d primes up to 1000:\n%s\n"):format(#expected, line))
    end)
  end)

  describe("producer_consumer", function()
    it("loses no order, with any number of workers", function()
      local lines = {}
      for _, line in ipairs(expectations("producer_consumer")) do
        lines[#lines + 1] = line.text .. "\n"
      end
      on_workers("producer_consumer", "", table.concat(lines))
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
      server:close() -- with input unread
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

  describe("fetch", function()
    --- A server that answers each request with the same bytes, and closes.
    local function canned(answer)
      local server = kit.start_script(([[
        local rt = require "rt"
        local listener = assert(rt.tcp.listen("127.0.0.1", 0))
        print((select(2, listener:sock())))
        io.stdout:flush()
        for stream in listener:incoming() do
          repeat local line = stream:read("l") until not line or line == "\r"
          stream:write(%q)
          stream:close()
        end
      ]]):format(answer))
      return math.tointeger(server:line())
    end

    local function assert_lines(expected, output)
      local lines = {}
      for line in output:gmatch("([^\n]*)\n") do
        lines[#lines + 1] = line
      end
      for i = 1, math.max(#expected, #lines) do
        local pattern = (expected[i] or "nothing"):gsub("TIME", "%%d+%%.%%d%%d%%d")
        assert_matches(pattern, lines[i] or "nothing")
      end
    end

    promise("gets several URLs, in the order given", function()
      local _, port = serve("http_hello")
      local other = canned("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnope\n")
      local long = canned("HTTP/1.0 200 OK\n\n" .. ("x"):rep(100000))
      local by_name = "http://localhost:" .. port .. "/"
      local urls = { url(port, ""), by_name, url(other, "/x?y=z"), url(long) }
      local code, out, err = run("fetch", "'" .. table.concat(urls, "' '") .. "'")
      assert.equal("", err)
      assert_lines({
        "200        14 bytes    TIME s  " .. urls[1],
        "200        14 bytes    TIME s  " .. urls[2],
        "404         5 bytes    TIME s  " .. urls[3]:gsub("%?", "%%?"),
        "200    100000 bytes    TIME s  " .. urls[4],
        "4 of 4: 100033 bytes in TIME s",
      }, out)
      assert.equal(0, code)
    end)

    promise("says what failed, each for itself", function()
      local _, port = serve("http_hello")
      local short = canned("HTTP/1.0 200 OK\r\ncontent-length: 9\r\n\r\n12345")
      local junk, nobody = canned("junk"), free_port()
      local urls = { url(nobody), url(port), url(short), url(junk), "https://here/", "here" }
      local code, out, err = run("fetch", table.concat(urls, " "))
      assert.equal("", err)
      local function failure(i, message)
        return ("%%-%%-%%-         0 bytes    TIME s  %s %%(%s%%)"):format(urls[i], message)
      end
      assert_lines({
        failure(1, "ECONNREFUSED: connection refused %(127.0.0.1:" .. nobody .. "%)"),
        "200        14 bytes    TIME s  " .. urls[2],
        failure(3, "5 of 9 bytes came"),
        failure(4, "no HTTP answer"),
        failure(5, "not an http:// URL"),
        failure(6, "not an http:// URL"),
        "1 of 6: 14 bytes in TIME s",
      }, out)
      assert.equal(1, code)
    end)

    promise("waits no longer than it was told, for all at once", function()
      local silent <close> = assert(rt.tcp.listen("127.0.0.1", 0)) -- never accepts, never answers
      local _, port = silent:sock()
      local _, good = serve("http_hello")
      local code, out, err = run("fetch", "-t 3 " .. (url(port) .. " "):rep(10) .. url(good))
      assert.equal("", err)
      local late = "%-%-%-         0 bytes    TIME s  " .. url(port) .. " %(timeout%)"
      local expected = {}
      for i = 1, 10 do
        expected[i] = late
      end
      expected[11] = "200        14 bytes    TIME s  " .. url(good)
      expected[12] = "1 of 11: 14 bytes in TIME s"
      assert_lines(expected, out)
      local seconds = tonumber(out:match("in (%S+) s\n$"))
      assert(seconds >= 3 and seconds < 3 * 5, out)
      assert.equal(1, code)
    end)

    it("says how it is used", function()
      for _, args in ipairs { "", "-t", "-t x http://localhost/", "-t 1" } do
        local code, out, err = run("fetch", args)
        assert.same({ 2, "", "usage: fetch.lua [-t seconds] url ...\n" }, { code, out, err })
      end
    end)
  end)

  --- What both HTTP servers promise.
  local function speaks_http(name)
    local HELLO = "Hello, world!\n"
    local OK = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\n" .. HELLO
    local LAST = OK:gsub("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    local BAD = "^HTTP/1%.1 400 Bad Request\r\n.*\r\nConnection: close\r\n\r\n400 Bad Request\n$"
    local GET = "GET / HTTP/1.1\r\nHost: here\r\n\r\n"

    --- What curl writes; URL in its arguments is the server's.
    local function curl(port, args)
      local code, out, err = peers("curl -sS --max-time 15 " .. args:gsub("URL", url(port)))
      assert.same({ 0, "" }, { code, err })
      return out
    end

    promise("keeps a connection of curl for its second request", function()
      local server, port = serve(name)
      local out = curl(port, "-w '%{http_code} %{num_connects}\n' URL URL")
      assert.equal(HELLO .. "200 1\n" .. HELLO .. "200 0\n", out)
      clients.assert_quiet(server)
    end)

    promise("answers pipelined requests in order, from nc", function()
      local _, port = serve(name)
      local head = GET:gsub("GET", "HEAD")
      local post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
      local last = GET:gsub("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
      local file = kit.file(GET:rep(3) .. head .. post .. last)
      local code, out = peers(("nc -N 127.0.0.1 %d <%s"):format(port, file))
      assert.equal(0, code)
      assert.equal(OK:rep(3) .. OK:gsub(HELLO, "") .. OK .. LAST, out)
    end)

    promise("answers a thousand pipelined requests", function()
      local _, port = serve(name)
      assert.equal(OK:rep(1000), clients.exchange(port, GET:rep(1000)))
    end)

    promise("puts requests together that come in pieces", function()
      local _, port = serve(name)
      local stream <close> = clients.connect(port)
      for byte in (GET .. "POST / HTTP/1.1\nHost: x\nContent-Length: 2\n\nab" .. GET):gmatch(".") do
        assert(stream:write(byte))
        rt.sleep(0) -- a packet each, mostly
      end
      assert.equal(OK:rep(3), (stream:read(3 * #OK)))
    end)

    promise("HEAD is answered without a body, and the connection goes on", function()
      local _, port = serve(name)
      local out = curl(port, "-I -w '%{num_connects}\n' URL URL")
      local head = OK:gsub(HELLO, "")
      assert.equal(head .. "1\n" .. head .. "0\n", out)
    end)

    promise("HTTP/1.0 and 'Connection: close' end the connection", function()
      local _, port = serve(name)
      assert.equal(LAST, curl(port, "-i -0 URL"))
      assert.equal(LAST, curl(port, "-i -H 'Connection: close' URL"))
      for _, request in ipairs {
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\n\n",
        "GET / HTTP/1.1\r\nHost: x\r\nCONNECTION:Keep-Alive, Close\r\n\r\n",
      } do
        local stream <close> = clients.connect(port)
        assert(stream:write(request .. GET)) -- what follows is not answered
        assert.equal(LAST, (stream:read("a")))
      end
    end)

    promise("reads past a big body, with curl and its 'Expect: 100-continue'", function()
      local server, port = serve(name)
      local file = kit.file(nil, ".bin")
      os.execute("head -c 5000000 /dev/zero >" .. file)
      local report = "-w '%{http_code} %{num_connects} %{size_upload}\n'"
      local out = curl(port, report .. " --data-binary @" .. file .. " URL URL")
      assert.equal(HELLO .. "200 1 5000000\n" .. HELLO .. "200 0 5000000\n", out)
      local stream <close> = clients.connect(port)
      assert(stream:write("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"))
      assert(stream:write("Expect: 100-continue\r\n\r\n"))
      assert.equal("HTTP/1.1 100 Continue\r\n\r\n", stream:read("L") .. stream:read("L"))
      assert(stream:write("abc", GET))
      assert.equal(OK .. OK, (stream:read(2 * #OK)))
      clients.assert_quiet(server)
    end)

    promise("bad requests get 400, and the connection is closed", function()
      local server, port = serve(name)
      for _, request in ipairs {
        "\r\n",
        "nonsense\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        "get / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      } do
        local stream <close> = clients.connect(port)
        assert(stream:write(request .. GET))
        local answer = stream:read("a")
        assert(answer and answer:find(BAD), ("%q got %q"):format(request, answer))
      end
      clients.assert_quiet(server)
    end)

    promise("a head of more than 8 KiB gets 431, even if it never ends", function()
      local server, port = serve(name)
      local function padded(n)
        return "GET / HTTP/1.1\r\nHost: x\r\nX: " .. ("x"):rep(n) .. "\r\n\r\n"
      end
      local too_large = "HTTP/1.1 431 Request Header Fields Too Large\r\n"
      assert.equal(OK, clients.exchange(port, padded(8000)))
      local many = "GET / HTTP/1.1\r\n" .. ("X: y\r\n"):rep(10000)
      for _, request in ipairs { padded(8200), many, ("x"):rep(3000000) } do
        assert_contains(too_large, clients.exchange(port, request))
      end
      local endless = "timeout 10 nc 127.0.0.1 %d </dev/zero | head -c 34"
      local code, out = peers(endless:format(port))
      assert.same({ 0, "HTTP/1.1 431 Request Header Fields" }, { code, out })
      clients.assert_quiet(server)
    end)

    promise("survives clients that leave in the middle", function()
      local server, port = serve(name)
      for _, part in ipairs {
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: x\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf",
        GET,
        GET:rep(1000),
      } do
        for _ = 1, 5 do
          local stream = clients.connect(port)
          assert(stream:write(part))
          if part:find("\r\n\r\n$") then
            assert.equal("H", (stream:recv(1)))
          end -- then a reset
          stream:close()
        end
      end
      assert.equal(OK, clients.exchange(port, GET))
      clients.assert_quiet(server)
    end)

    promise("serves 200 clients at once", function()
      local server, port = serve(name)
      local streams = {}
      clients.concurrently(200, function(i)
        streams[i] = clients.connect(port)
      end)
      clients.concurrently(200, function(i)
        for _ = 1, 5 do
          assert(streams[i]:write(GET))
          assert.equal(OK, (streams[i]:read(#OK)))
        end
      end)
      clients.assert_quiet(server)
    end)

    promise("serves 200 connections of wrk without an error", function()
      if not os.execute("command -v wrk >/dev/null") then
        return pending("wrk is not installed")
      end
      local server, port = serve(name)
      local code, out, err = peers("wrk -t 2 -c 200 -d 1s --timeout 10s " .. url(port))
      assert.same({ 0, "" }, { code, err })
      assert.is_nil(out:find("Socket errors", 1, true), out)
      assert.is_nil(out:find("Non-2xx", 1, true), out)
      assert(tonumber(out:match("(%d+) requests in")) >= 200, out)
      clients.assert_quiet(server)
    end)
  end

  describe("http_hello", function()
    speaks_http("http_hello")
  end)
  describe("http_all_cores", function()
    speaks_http("http_all_cores")
  end)

  describe("http_graceful", function()
    --- Asks until it is told that this was the last answer; how often.
    local served = 0
    local function ask_until_closed(port)
      local stream <close>, asked = clients.connect(port), 0
      repeat
        asked = asked + 1
        assert(stream:write("GET /", asked, " HTTP/1.1\r\nHost: x\r\n\r\n"))
        local status, last = stream:read("l"), false
        assert.equal("HTTP/1.1 200 OK\r", status)
        for line in stream:lines() do
          last = last or line == "Connection: close\r"
          if line == "\r" then
            break
          end
        end
        assert.equal("/" .. asked, (stream:read("l")))
        served = served + (asked == 10 and 1 or 0)
      until last
      assert.equal("", (stream:read("a")))
      return asked
    end

    promise("answers every request when it is stopped under load", function()
      local server, port = serve("http_graceful")
      local idle <close> = clients.connect(port)
      local clients = {}
      for i = 1, 50 do
        clients[i] = rt.spawn_local(ask_until_closed, port)
      end
      repeat
        rt.sleep(0.2) -- any moment will do, when all have been accepted
      until served == 50
      server:signal(kit.in_rt_lua and "TERM" or "INT")
      local sum = 0
      for i = 1, 50 do
        sum = sum + clients[i]:join()
      end
      assert(sum > 500, "hardly a load")
      assert.equal("", (idle:read("a")))
      assert.equal(kit.in_rt_lua and 143 or 1, server:wait(10))
      assert.equal("ECONNREFUSED", select(3, rt.tcp.connect("127.0.0.1", port)))
    end)
  end)

  describe("shared_map", function()
    promise("nothing that clients of all workers store is lost", function()
      local it = kit.start(command(path_of("shared_map"), "0 0"))
      local storing = math.tointeger(it:line():match("^storing .*:(%d+)$"))
      local showing = math.tointeger(it:line():match("^showing .*:(%d+)$"))
      local lines = ("pears 3\nplums 5\n"):rep(20) .. "nonsense\n"
      local answers = ("stored\n"):rep(40) .. "expected: NAME NUMBER\n"
      clients.concurrently(8, function()
        assert.equal(answers, clients.exchange(storing, lines))
      end)
      assert.equal("pears 480\nplums 800\n320 lines\n", clients.exchange(showing, ""))
      assert_output("shared_map", it:output())
    end)
  end)

  describe("cache", function()
    promise("of many who ask at once, one computes; the others find it, on all workers", function()
      local server, port = serve("cache")
      local form = "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
      local function get(path)
        local started = rt.now()
        local body = clients.exchange(port, form:format(path)):match("\r\n\r\n(.*)$")
        assert.equal(path .. " was computed\n", body)
        return rt.now() - started
      end
      local started = rt.now()
      clients.concurrently(30, function(i)
        get("/" .. i % 3)
        assert(rt.now() - started >= 0.19)
      end)
      assert(rt.now() - started < 1 * kit.slow, "computed more than once")
      local fast
      for _ = 1, 3 do
        fast = 0
        clients.concurrently(30, function(i)
          local took = get("/" .. i % 3)
          fast = fast + (took < 0.19 and 1 or 0)
        end)
        if fast >= 25 then
          break
        end
      end
      assert(fast >= 25 or kit.slow > 1, fast .. " of 30 were there")
      rt.sleep(2.1)
      assert(get("/0") >= 0.19, "it has not expired")
      clients.assert_quiet(server)
    end)
  end)
end)
