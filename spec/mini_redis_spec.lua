--- examples/mini_redis: its answers are compared with a record of the answers of redis-server.
local clients = require("clients")
local kit = require("kit")
local rt = require("rt")
local talk = require("redis_talk")

-- A shell in which libtsan is loaded, as in a child of a stock interpreter, crashes at once.
if not os.execute("true") then
  pending("mini_redis: no shell can be started here")
  return
end

local MAIN = "examples/mini_redis/main.lua"

--- Defines a spec with a deadline.
local function promise(title, f)
  it(title, function()
    local _, why = rt.timeout(120 * kit.slow, f)
    assert.is_nil(why)
  end)
end

local function start(args)
  local form = "%s %s %s --port 0 %s"
  local server = kit.start(form:format(kit.host_env, kit.quote(kit.host), MAIN, args or ""))
  return server, math.tointeger(server:line():match("^listening on 127%.0%.0%.1:(%d+)$"))
end

local function each_client(port, n, f)
  return clients.concurrently(n, function(i)
    local stream <close> = clients.connect(port)
    return f(stream, i)
  end)
end

--- Sends a request. Returns the first line of the answer, or the text of a bulk string.
local function ask(stream, request)
  stream:write(request, "\r\n")
  local lines = talk.answer(stream, {})
  return lines[1]:sub(1, 1) == "$" and lines[2] or lines[1]
end

local function assert_record(port, pipelined)
  local steps = talk.steps(io.lines("spec/support/mini_redis.txt"))
  assert.is_true(#steps > 100)
  for i, answer in ipairs(talk.ask(port, steps, pipelined)) do
    local step = steps[i]
    assert.equal(#step.answer, #answer, step.request .. "\n" .. table.concat(answer, "\n"))
    for k, line in ipairs(step.answer) do
      if line:sub(1, 1) == "~" then
        assert.matches("^" .. line:sub(2) .. "$", answer[k], step.request)
      else
        assert.equal(line, answer[k], step.request)
      end
    end
  end
end

describe("examples/mini_redis", function()
  after_each(kit.forget)

  it("has a guide that links each of its files", function()
    local readme = kit.read("examples/mini_redis/README.md")
    for path in io.popen("ls examples/mini_redis/*.lua"):lines() do
      local name = path:match("[^/]+$")
      assert(readme:find("](" .. name .. ")", 1, true), "the README does not link " .. name)
      for line in io.lines(path) do
        assert(#line <= 100, path .. ": " .. line)
      end
    end
    assert(kit.read("examples/README.md"):find("](mini_redis/README.md)", 1, true))
  end)

  promise("answers as the record of redis-server says, one at a time and pipelined", function()
    local server, port = start()
    assert_record(port, false)
    assert_record(port, true)
    clients.assert_quiet(server)
  end)

  promise("… and the record is true", function()
    kit.needs(pending, "redis-server")
    local listener = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    listener:close()
    local form = "redis-server --port %d --bind 127.0.0.1 --save '' --dir %s --daemonize no"
    kit.start(form:format(port, kit.dir()))
    kit.wait_for(function()
      local stream = rt.tcp.connect("127.0.0.1", port)
      return stream and (stream:close() or true)
    end, 10, "redis-server")
    assert_record(port, false)
  end)

  promise("what is not the protocol is refused in the words of Redis", function()
    local server, port = start("--max-bulk 1000")
    for request, answer in pairs {
      ["*1\r\n:3\r\n"] = "expected '$', got ':'",
      ["*x\r\n"] = "invalid multibulk length",
      ["*9999999999\r\n"] = "invalid multibulk length",
      ["*1\r\n$-5\r\n"] = "invalid bulk length",
      ["*1\r\n$999999999999\r\n"] = "invalid bulk length",
      ["*1\r\n$1001\r\n"] = "invalid bulk length",
      ['PING "abc\r\nPING\r\n'] = "unbalanced quotes in request",
      ["PING 'abc'd\r\n"] = "unbalanced quotes in request",
      [("a"):rep(200000)] = "too big inline request",
    } do
      assert.equal(
        "-ERR Protocol error: " .. answer .. "\r\n",
        clients.exchange(port, request),
        request
      )
    end
    assert.equal("+PONG\r\n", clients.exchange(port, "\r\n*0\r\n*-1\r\n\r\nPING\r\n"))
    local big = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\n" .. ("\n"):rep(1000) .. "\r\n"
    local get = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
    local value = "$1000\r\n" .. ("\n"):rep(1000) .. "\r\n"
    assert.equal("+OK\r\n" .. value, clients.exchange(port, big .. get))
    assert.equal("", clients.exchange(port, "*2\r\n$3\r\nGET\r\n$1"))
    clients.assert_quiet(server)
  end)

  promise("puts requests together that come in pieces; megabytes, too", function()
    local server, port = start()
    local stream <close> = clients.connect(port)
    local request = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\n\r\n\0x\r\nGET k\r\n"
    for byte in request:gmatch(".") do
      stream:write(byte)
      rt.sleep(0)
    end
    local answer = "+OK\r\n$4\r\n\r\n\0x\r\n"
    assert.equal(answer, (stream:read(#answer)))
    local value = ("0123456789abcdef"):rep(1 << 17)
    stream:write("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$", #value, "\r\n", value, "\r\nGET k\r\n")
    assert.equal("+OK\r\n$2097152\r\n", (stream:read(15)))
    assert.equal(value .. "\r\n", (stream:read(#value + 2)))
    clients.assert_quiet(server)
  end)

  promise("keys expire", function()
    local _, port = start()
    local stream <close> = clients.connect(port)
    local value, took
    for _ = 1, 10 do -- on a busy machine the second may pass before the key is read
      local set = rt.now()
      assert.equal("+OK", ask(stream, "SET k v PX 1000"))
      value = ask(stream, "GET k")
      took = rt.now() - set
      if took < 1 then
        break
      end
    end
    assert.equal("v", value, took .. " s after it was set")
    assert.equal(":2", ask(stream, "RPUSH l a b"))
    assert.equal(":1", ask(stream, "EXPIRE l 3"))
    rt.sleep(1.001)
    assert.equal("$-1", ask(stream, "GET k") or "$-1")
    assert.equal("+OK", ask(stream, "SET k w NX"))
    rt.sleep(3)
    assert.equal(":0", ask(stream, "LLEN l"))
    assert.equal(":1", ask(stream, "RPUSH l c"))
  end)

  promise("INCR of many clients loses nothing; what is pushed is popped once", function()
    local server, port = start()
    local n = 200
    local popped = each_client(port, 20, function(stream, i)
      local sum = 0
      for k = 1, n do
        assert.equal(":", ask(stream, "INCR n"):sub(1, 1))
        ask(stream, ("LPUSH queue %d"):format(i * 1000 + k))
        sum = sum + tonumber(ask(stream, "RPOP queue"))
      end
      return sum
    end)
    local sum, expected = 0, 0
    for i = 1, 20 do
      sum = sum + popped[i]
      expected = expected + i * 1000 * n + n * (n + 1) // 2
    end
    local stream <close> = clients.connect(port)
    assert.equal(tostring(20 * n), ask(stream, "GET n"))
    assert.equal(expected, sum)
    assert.equal(":0", ask(stream, "LLEN queue"))
    assert.equal(":0", ask(stream, "EXISTS queue"))
    clients.assert_quiet(server)
  end)

  promise("a message reaches all subscribers, on all workers, in order", function()
    local server, port = start()
    local publisher <close> = clients.connect(port)
    local ready, subscribers = 0, {}
    for i = 1, 30 do
      subscribers[i] = rt.spawn_local(function()
        local stream <close> = clients.connect(port)
        assert.equal("*3", ask(stream, "SUBSCRIBE news"))
        ready = ready + 1
        for k = 1, 100 do
          local lines = talk.answer(stream, {})
          assert.same({ "message", "news", "number " .. k }, { lines[3], lines[5], lines[7] })
        end
        assert.equal("*3", ask(stream, "UNSUBSCRIBE"))
        assert.equal("+PONG", ask(stream, "PING"))
      end)
    end
    while ready < 30 do
      rt.sleep(0.002)
    end
    assert.equal(":0", ask(publisher, "PUBLISH other x"))
    for k = 1, 100 do
      assert.equal(":30", ask(publisher, ('PUBLISH news "number %d"'):format(k)))
    end
    for i = 1, 30 do
      subscribers[i]:join()
    end
    -- clients that close the connection without QUIT are removed, too
    local deadline = rt.now() + 30 * kit.slow
    local gone = clients.connect(port)
    assert.equal("*3", ask(gone, "SUBSCRIBE news"))
    gone:close()
    while ask(publisher, "PUBLISH news x") ~= ":0" do
      assert(rt.now() < deadline)
      rt.sleep(0.002)
    end
    clients.assert_quiet(server)
  end)

  promise("a subscriber that does not read holds nobody up", function()
    local server, port = start()
    local slow <close> = clients.connect(port)
    assert.equal("*3", ask(slow, "SUBSCRIBE news"))
    local publisher <close> = clients.connect(port)
    local message = "PUBLISH news " .. ("x"):rep(1000) .. "\r\n"
    local told, got = 0, "1"
    while got == "1" do
      publisher:write(message:rep(1000))
      for _ = 1, 1000 do
        got = publisher:read("l"):match("^:(%d)")
      end
      told = told + 1000
      assert(told < 100000)
    end
    assert.equal("+PONG", ask(publisher, "PING"))
    clients.assert_quiet(server)
  end)

  promise("a subscriber that does not read is disconnected when 32 MiB wait", function()
    local server, port = start()
    local slow <close> = clients.connect(port)
    assert.equal("*3", ask(slow, "SUBSCRIBE news"))
    local publisher <close> = clients.connect(port)
    local form = "*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$1000000\r\n%s\r\n"
    local message = form:format(("x"):rep(1000000))
    local told, got, begun = 0, nil, rt.now()
    repeat
      publisher:write(message)
      told, got = told + 1, publisher:read("l")
    until got == ":0\r"
    assert(told < 100, told) -- 33 in the outbox, others in sockets
    -- (One that has read nothing for 10 seconds is disconnected, too.)
    assert(told > 32 or rt.now() - begun > 10, told)
    clients.assert_quiet(server)
  end)

  promise("a request has up to 100,000 arguments", function()
    local server, port = start()
    local stream <close> = clients.connect(port)
    local function send(n)
      stream:write(("*%d\r\n$3\r\nDEL\r\n"):format(n), ("$1\r\nk\r\n"):rep(n - 1))
      return stream:read("l")
    end
    assert.equal(":0\r", send(100000))
    assert.equal("-ERR Protocol error: invalid multibulk length\r", send(1 << 20))
    clients.assert_quiet(server)
  end)

  promise("keeps within its memory", function()
    local server, port = start("--maxmemory 1")
    local stream <close> = clients.connect(port)
    local value, got = ("x"):rep(10000), nil
    for i = 1, 110 do
      got = ask(stream, ("SET k%d %s"):format(i, value))
    end
    local full = "-OOM command not allowed when used memory > 'maxmemory'."
    assert.equal(full, got)
    assert.equal(":1", ask(stream, "DEL k1"))
    for _ = 1, 110 do
      got = ask(stream, "RPUSH list " .. value)
    end
    assert.equal(full, got)
    assert.equal(":1", ask(stream, "DEL list"))
    assert.equal(":1", ask(stream, "RPUSH list " .. value))
    clients.assert_quiet(server)
    server, port = start("--maxmemory 1 --maxmemory-policy allkeys-lru")
    local other <close> = clients.connect(port)
    for i = 1, 300 do
      assert.equal("+OK", ask(other, ("SET k%d %s"):format(i, value)))
    end
    assert.equal(value, ask(other, "GET k300"))
    assert.equal(":0", ask(other, "EXISTS k1"))
    clients.assert_quiet(server)
  end)

  promise("redis-cli understands it", function()
    kit.needs(pending, "redis-cli")
    local server, port = start()
    local script = kit.file("SET k 5\nINCR k\nRPUSH l a b c\nLRANGE l 0 -1\nTTL k\nNOPE\nLLEN k\n")
    local line = ("unset LD_PRELOAD; redis-cli --no-raw -p %d <%s"):format(port, script)
    local code, out = kit.shell(line)
    assert.equal(0, code)
    assert.equal(
      table.concat({
        "OK",
        "(integer) 6",
        "(integer) 3",
        '1) "a"',
        '2) "b"',
        '3) "c"',
        "(integer) -1",
        "(error) ERR unknown command 'NOPE', with args beginning with: ",
        "(error) WRONGTYPE Operation against a key holding the wrong kind of value",
        "",
      }, "\n"),
      out
    )
    clients.assert_quiet(server)
  end)

  promise("redis-benchmark finds nothing wrong", function()
    kit.needs(pending, "redis-benchmark")
    local server, port = start()
    local tests = "ping_inline,ping_mbulk,set,get,incr,lpush,rpush,lpop,rpop,lrange_100"
    local form = "unset LD_PRELOAD; redis-benchmark -p %d -t %s -n %d -c 50 -r 1000 -P %d --csv"
    for _, pipeline in ipairs { 1, 16 } do
      local code, out, err = kit.shell(form:format(port, tests, 2000, pipeline), 60)
      assert.same({ 0, "" }, { code, err })
      -- a header, and a second line for LPUSH
      assert.equal(12, select(2, out:gsub("\n", "\n")), out)
    end
    clients.assert_quiet(server)
  end)

  promise("says what is wrong with its arguments or its port; ends at Ctrl-C", function()
    local server, port = start()
    local form = "exec env %s %s %s %s"
    for _, wrong in ipairs { "--nope 1", "--port", "--port x", "7" } do
      local code, out, err = kit.shell(form:format(kit.host_env, kit.quote(kit.host), MAIN, wrong))
      assert.same({ 2, "" }, { code, out })
      assert.matches("^main.lua: [^\n]+ %(its first lines say what there is%)\n$", err)
    end
    local code, _, err =
      kit.shell(form:format(kit.host_env, kit.quote(kit.host), MAIN, "--port " .. port))
    assert.equal(1, code)
    assert.matches("EADDRINUSE", err)
    local stream <close> = clients.connect(port)
    assert.equal("*3", ask(stream, "SUBSCRIBE a"))
    server:signal("INT")
    assert.equal(kit.in_rt_lua and 130 or 1, server:wait(10))
  end)
end)
