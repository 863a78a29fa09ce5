--- Every file in examples/ is run, and must print what its comments say. (The servers have specs of
--- their own, too: examples_echo_spec, examples_chat_spec, examples_http_spec.)
local clients = require("clients")
local examples = require("examples")
local kit = require("kit")
local rt = require("rt")

if not examples.has_shell() then
  pending("examples: no shell can be started here")
  return
end

local assert_contains = examples.assert_contains
local assert_output = examples.assert_output
local command = examples.command
local expectations = examples.expectations
local path_of = examples.path_of
local peers = examples.peers
local run = examples.run
local serve = examples.serve

--- Defines a spec with a deadline.
local function promise(title, f)
  it(title, examples.within_deadline(f))
end

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
      examples.assert_runs(name)
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
        local function end_with_clients(n)
          local server, port = serve(name)
          local streams = {}
          for i = 1, n do
            streams[i] = clients.connect(port)
            streams[i]:write("GET") -- half of a request
          end
          rt.sleep(0.01 * n) -- any moment while the requests are under way
          local started = rt.now()
          server:signal("INT")
          assert.equal(kit.in_rt_lua and 130 or 1, server:wait(10))
          local took = rt.now() - started
          for i = 1, n do
            streams[i]:close()
          end
          assert.equal("ECONNREFUSED", select(3, rt.tcp.connect("127.0.0.1", port)))
          return took
        end
        for n = 0, 2 do
          kit.in_time(3, function()
            return end_with_clients(n)
          end)
        end
      end)
    end)
  end

  describe("tour", function()
    it("fits into a terminal and into three seconds", function()
      local out
      kit.in_time(3, function()
        local started, _ = rt.now(), nil
        _, out = run("tour")
        return rt.now() - started
      end)
      for line in out:gmatch("[^\n]+") do
        assert(#line <= 80, line)
      end
    end)

    --- Runs the tour with a defect.
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
      for n = 1, 100 do -- writes alternate with reads: no side waits for the end of the other
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

  --- Runs an example with 1, 2 and 4 workers.
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
      assert_contains("examples/parallel_map.lua:28: in ", err) -- where rt.map was called
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
      local round, fast = 0, 0
      kit.in_time(1, function() -- it takes longer if a value is computed more than once
        round = round + 1
        local started = rt.now()
        clients.concurrently(30, function(i)
          get(("/%d/%d"):format(round, i % 3))
          assert(rt.now() - started >= 0.19)
        end)
        return rt.now() - started
      end)
      for _ = 1, 10 do
        fast = 0
        clients.concurrently(30, function(i)
          local took = get(("/%d/%d"):format(round, i % 3))
          fast = fast + (took < 0.19 and 1 or 0)
        end)
        if fast >= 25 then
          break
        end
      end
      assert(fast >= 25, fast .. " of 30 were there")
      rt.sleep(2.1)
      assert(get(("/%d/0"):format(round)) >= 0.19, "it has not expired")
      clients.assert_quiet(server)
    end)
  end)
end)
