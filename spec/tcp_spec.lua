local kit = require("kit")
local rt = require("rt")

--- Returns a listener on a free port, and a function that returns two connected streams.
local function pairs_of(options)
  local listener = assert(rt.tcp.listen("127.0.0.1", 0, options))
  local _, port = listener:sock()
  local function pair()
    local accepting = rt.spawn_local(listener.accept, listener)
    local client = assert(rt.tcp.connect("127.0.0.1", port))
    return client, assert(accepting:join())
  end
  return pair, listener, port
end

local function pair()
  local make, listener = pairs_of()
  local a, b = make()
  listener:close()
  return a, b
end

--- Returns a port on which no process listens.
local function free_port()
  local listener = assert(rt.tcp.listen("127.0.0.1", 0))
  local _, port = listener:sock()
  listener:close()
  return port
end

local function fails(code, ...)
  local value, message, got = ...
  assert.equal("nil", type(value))
  assert.equal(code, got)
  assert.equal(code .. ": ", message:sub(1, #code + 2))
end

describe("tcp:", function()
  it("connects, accepts, and carries bytes both ways", function()
    local a, b = pair()
    assert.equal(a, a:write("hello"))
    assert.equal("hello", kit.recv(b, 5))
    b:write("wor", "ld", 1, 2.5)
    local got = ""
    while #got < 9 do
      got = got .. a:recv()
    end
    assert.equal("world12.5", got)
    a:close()
    assert.is_nil(b:recv())
    assert.is_nil(b:recv())
    b:close()
  end)

  it("tells the ends of a connection", function()
    local make, listener, port = pairs_of()
    local a, b = make()
    local host, p, family = a:peer()
    assert.same({ "127.0.0.1", port, "inet" }, { host, p, family })
    assert.same({ b:sock() }, { a:peer() })
    assert.same({ a:sock() }, { b:peer() })
    assert.equal("integer", math.type(p))
    assert.equal("rt.listener (127.0.0.1:" .. port .. ")", tostring(listener))
    assert.matches("^rt.stream %(127.0.0.1:%d+ to 127.0.0.1:" .. port .. "%)$", tostring(a))
    a:close()
    b:close()
    listener:close()
    assert.equal("rt.stream (closed)", tostring(a))
    assert.equal("rt.listener (closed)", tostring(listener))
  end)

  it("speaks IPv6", function()
    local listener, message, code = rt.tcp.listen("::1", 0)
    if not listener and (code == "EADDRNOTAVAIL" or code == "EAFNOSUPPORT") then
      return pending(message)
    end
    assert(listener, message)
    local host, port, family = listener:sock()
    assert.same({ "::1", "inet6" }, { host, family })
    local accepting = rt.spawn_local(listener.accept, listener)
    local client = assert(rt.tcp.connect("::1", port))
    client:write("six")
    assert.equal("six", accepting:join():read(3))
    assert.matches("%[::1%]:" .. port, tostring(client))
    listener:close()
    client:close()
  end)

  it("finds names, without blocking, and tries all addresses", function()
    local make, listener, port = pairs_of()
    make():close()
    local ticks = 0
    local ticker = rt.spawn_local(function()
      while true do
        rt.sleep(0.001)
        ticks = ticks + 1
      end
    end)
    -- localhost may be ::1 first, where no process listens
    local stream = assert(rt.tcp.connect("localhost", port))
    stream:close()
    fails("ENOTFOUND", rt.tcp.connect("no-such-host.invalid", 80))
    fails("ENOTFOUND", rt.tcp.listen("no-such-host.invalid", 0))
    rt.sleep(0.005)
    ticker:cancel()
    assert.is_true(ticks > 0)
    listener:close()
  end)

  it("many lookups at a time", function()
    local _, listener, port = pairs_of()
    local tasks = {}
    for i = 1, 60 do
      tasks[i] = rt.spawn_local(function()
        local s, message = rt.tcp.connect(i % 3 == 0 and "nowhere.invalid" or "localhost", port)
        if s then
          s:close()
        end
        return s ~= nil, message
      end)
    end
    for i = 1, 60 do
      local connected, message = tasks[i]:join()
      assert.equal(i % 3 ~= 0, connected, message)
    end
    listener:close()
  end)

  it('listens on all addresses with "*"', function()
    local listener = assert(rt.tcp.listen("*", 0))
    local _, port = listener:sock()
    local client = assert(rt.tcp.connect("127.0.0.1", port))
    client:close()
    listener:close()
  end)

  it("connects to what an address is called", function()
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local client <close> = assert(rt.tcp.connect(listener:sock()))
    assert.same({ listener:sock() }, { client:peer() })
  end)

  it("what the world refuses comes back as nil, message, code", function()
    local port = free_port()
    fails("ECONNREFUSED", rt.tcp.connect("127.0.0.1", port))
    local listener = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, taken = listener:sock()
    local value, message, code = rt.tcp.listen("127.0.0.1", taken)
    fails("EADDRINUSE", value, message, code)
    assert.matches("127.0.0.1:" .. taken, message, 1, true)
    fails("EADDRNOTAVAIL", rt.tcp.listen("192.0.2.1", 0))
    listener:close()
    -- and the port is free again at once
    assert(rt.tcp.listen("127.0.0.1", taken)):close()
  end)

  it("ECONNRESET and EPIPE, and SIGPIPE never kills", function()
    local a, b = pair()
    b:write("unread")
    assert.equal("u", a:recv(1))
    a:close() -- with unread data: a reset
    local value, message, code
    for _ = 1, 100 do
      value, message, code = b:recv()
      if not value then
        break
      end
    end
    fails("ECONNRESET", value, message, code)
    local x, y = pair()
    y:close()
    rt.sleep(0.005)
    local codes = {}
    for _ = 1, 50 do
      local ok, _, why = x:write("into the void")
      if not ok then
        codes[why] = true
      end
      rt.sleep(0.0005)
    end
    assert.is_true(codes.EPIPE)
    x:close()
    b:close()
  end)

  it("every read after a reset says ECONNRESET, whether a read or a write met it first", function()
    --- Returns a stream whose peer has sent half a line and has reset the connection, and whose
    --- error a write has been told of.
    local function torn()
      local a, b = pair()
      b:write("line\nhalf a li")
      a:write("never read")
      kit.wait_for(function()
        return b:recv(1) == "n"
      end, 5, "the input")
      b:close() -- with input that was not read
      local code
      kit.wait_for(function()
        code = select(3, a:write("x"))
        return code
      end, 5, "the reset")
      assert.equal("ECONNRESET", code)
      return a
    end
    for _ = 1, 2 do
      local a <close> = torn()
      assert.equal("line", a:read("l"))
      for _ = 1, 2 do
        fails("ECONNRESET", a:read("a"))
        fails("ECONNRESET", a:read("l"))
      end
    end
    local b <close> = torn()
    assert.equal("line\nhalf a li", kit.recv(b, 14))
    fails("ECONNRESET", b:recv())
    fails("ECONNRESET", b:recv())
    local index, value, message, code = rt.select(b:recv_op(), rt.sleep_op(30))
    assert.equal(1, index)
    fails("ECONNRESET", value, message, code)
    local c <close> = torn()
    local lines = 0
    local ok, err = pcall(function()
      for _ in c:lines() do
        lines = lines + 1
      end
    end)
    assert.same({ false, 1 }, { ok, lines })
    assert.matches("ECONNRESET", err)
    local moved = torn()
    local task = rt.spawn(function(stream)
      local line = stream:read("l")
      return line, stream:read("a")
    end, moved)
    local line, nothing, _, why = task:join()
    assert.same({ "line", "ECONNRESET" }, { line, why })
    assert.is_nil(nothing)
  end)

  it("a write that fails after the peer's last byte leaves a clean end", function()
    local a, b = pair()
    b:write("all of it")
    b:close()
    local code
    kit.wait_for(function()
      code = select(3, a:write("x"))
      return code
    end, 5, "the refusal")
    assert.equal("EPIPE", code)
    assert.equal("all of it", a:read("a"))
    assert.is_nil(a:recv())
    a:close()
  end)

  it("a stream that a task leaves open is closed when it ends, on an idle worker", function()
    local begun = rt.channel(1)
    for _, how in ipairs { "returns", "fails", "cancelled" } do
      local a, b = pair()
      local task = rt.spawn(function(stream, wish)
        begun:send(true)
        if wish == "fails" then
          error("on purpose")
        elseif wish == "cancelled" then
          rt.sleep(1000)
          stream:close()
        end
      end, b, how)
      begun:recv()
      if how == "cancelled" then
        task:cancel()
      end
      assert.equal(how == "returns", (pcall(task.join, task)))
      local results = table.pack(rt.timeout(30 * kit.slow, a.read, a, "l"))
      assert.same({ n = 1 }, results) -- the end, and no timeout
      a:close()
    end
  end)

  it("so is one that the task has connected, or accepted", function()
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    for _, how in ipairs { "returns", "fails" } do
      local task = rt.spawn(function(wish, number)
        local _ = assert(rt.tcp.connect("127.0.0.1", number))
        assert(wish == "returns", "on purpose")
      end, how, port)
      local a <close> = listener:accept()
      assert.equal(how == "returns", (pcall(task.join, task)))
      assert.same({ n = 1 }, table.pack(rt.timeout(30 * kit.slow, a.read, a, "l")))
    end
  end)

  it("at the end each way to read returns nil, not nothing", function()
    local a, b = pair()
    b:close()
    for _ = 1, 2 do
      assert.equal(1, select("#", a:recv()))
      assert.equal(1, select("#", a:read("l")))
      assert.equal(2, select("#", rt.select(a:recv_op())))
      assert.equal(1, select("#", a:lines()()))
    end
    a:close()
    local listener = assert(rt.tcp.listen("127.0.0.1", 0))
    local next_stream = listener:incoming()
    listener:close()
    assert.equal(1, select("#", next_stream(listener)))
  end)

  it("connect has a timeout", function()
    -- a full backlog does not answer
    local listener = assert(rt.tcp.listen("127.0.0.1", 0, { backlog = 1 }))
    local _, port = listener:sock()
    local streams, value, message, code = {}, nil, nil, nil
    local t
    for i = 1, 20 do
      t = rt.now()
      value, message, code = rt.tcp.connect("127.0.0.1", port, { timeout = 0.05 * kit.slow })
      if not value then
        break
      end
      streams[i] = value
    end
    fails("ETIMEDOUT", value, message, code)
    assert.is_true(rt.now() - t >= 0.05 * kit.slow)
    kit.in_time(0.05 + 0.5, function()
      t = rt.now()
      fails("ETIMEDOUT", rt.tcp.connect("127.0.0.1", port, { timeout = 0.05 }))
      return rt.now() - t
    end)
    for _, s in pairs(streams) do
      s:close()
    end
    listener:close()
  end)

  it("connect has a timeout while a name is looked up, too", function()
    -- glibc opens the file HOSTALIASES for a name without a dot: opening a pipe waits for a writer
    local pipe = kit.file(nil, ".pipe")
    if not os.execute("mkfifo " .. pipe) then
      return pending("no mkfifo here")
    end
    local code, out, err =
      kit.run(kit.program("lookup_that_hangs"), pipe, 30, "HOSTALIASES=" .. pipe)
    assert.same({ 0, "" }, { code, err }, out)
    if out:match("^no lookup") then
      return pending("the system's resolver does not read HOSTALIASES")
    end
    assert.equal("ETIMEDOUT\ttrue\n", out)
  end)

  it("a connect that is timed out from outside leaves no descriptor behind", function()
    local listener = assert(rt.tcp.listen("127.0.0.1", 0, { backlog = 1 }))
    local _, port = listener:sock()
    local streams = {}
    for i = 1, 4 do
      streams[i] = rt.tcp.connect("127.0.0.1", port, { timeout = 0.02 * kit.slow })
    end
    local before = kit.descriptors()
    for _ = 1, 10 do
      assert.equal("timeout", select(2, rt.timeout(0.01, rt.tcp.connect, "127.0.0.1", port)))
    end
    rt.sleep(0.01)
    assert.equal(before, kit.descriptors())
    for _, s in pairs(streams) do
      s:close()
    end
    listener:close()
  end)

  it("recv takes at most max bytes, and loses none", function()
    local a, b = pair()
    a:write("abcdefgh")
    assert.equal("abc", kit.recv(b, 3))
    assert.equal("d", b:recv(1))
    assert.equal("efgh", kit.recv(b, 4))
    a:close()
    b:close()
  end)

  it("partial data is never lost at a timeout", function()
    local a, b = pair()
    a:write("half a li")
    assert.equal("timeout", select(2, rt.timeout(0.01, b.read, b, "l")))
    assert.equal("timeout", select(2, rt.timeout(0.01, b.read, b, 100)))
    assert.equal("timeout", select(2, rt.timeout(0.01, b.read, b, 4, "l")))
    a:write("ne\nrest")
    assert.equal("half a line", b:read("l"))
    assert.equal("re", kit.recv(b, 2))
    a:close()
    assert.equal("st", b:read("a"))
    b:close()
  end)

  it("write waits while the peer is slow, with bounded memory", function()
    local a, b = pair()
    local piece = ("x"):rep(1024 * 1024)
    local sent = 0
    local writer = rt.spawn_local(function()
      for _ = 1, 16 do
        assert(a:write(piece))
        sent = sent + #piece
      end
      a:shutdown()
    end)
    kit.wait_for(function()
      return writer:status() == "waiting"
    end, 20, "the writer to wait")
    rt.sleep(0.05)
    local before, got = sent, 0
    assert.is_true(before < 16 * #piece)
    while true do
      local data = b:recv()
      if not data then
        break
      end
      got = got + #data
    end
    writer:join()
    assert.equal(16 * #piece, got)
    a:close()
    b:close()
  end)

  it("a 100 MB write arrives whole", function()
    if kit.flavor ~= "" then
      return pending("only without sanitizers")
    end
    local a, b = pair()
    local block = ("0123456789abcdef"):rep(65536)
    local all = block:rep(100)
    local writer = rt.spawn_local(function()
      assert(a:write(all))
      a:close()
    end)
    local got, same = 0, true
    while true do
      local data = b:recv()
      if not data then
        break
      end
      local at = got % 16
      same = same and data:sub(1, 16 - at) == ("0123456789abcdef"):sub(at + 1, at + #data)
      got = got + #data
    end
    writer:join()
    assert.equal(#all, got)
    assert.is_true(same)
    b:close()
  end)

  it("an empty write does nothing; so does one without arguments", function()
    local a, b = pair()
    assert.equal(a, a:write(""))
    assert.equal(a, a:write())
    assert.equal(a, a:write("", "", ""))
    a:write("x", "", "y")
    local got = b:read(2)
    assert.equal("xy", got)
    a:close()
    b:close()
  end)

  it("many pieces in one write arrive in order", function()
    local a, b = pair()
    local pieces, all = {}, {}
    for i = 1, 200 do
      pieces[i] = i % 5 == 0 and "" or i % 3 == 0 and i or ("<%d>"):format(i):rep(i)
      all[i] = tostring(pieces[i])
    end
    local writer = rt.spawn_local(function()
      a:write(table.unpack(pieces))
      a:close()
    end)
    assert.equal(table.concat(all), b:read("a"))
    writer:join()
    b:close()
  end)

  it("a write that had to wait goes on with the byte at which it stopped", function()
    local a, b = pair()
    local pieces = {}
    for i = 1, 24 do -- in all, several times as much as the buffers of the system take
      pieces[i] = ("<%05d>"):format(i):rep(i % 4 == 0 and 1 or i % 4 * 100000)
    end
    local writer = rt.spawn_local(function()
      assert(a:write(table.unpack(pieces)))
      a:close()
    end)
    for i, piece in ipairs(pieces) do
      rt.yield()
      local got = b:read(#piece)
      if got ~= piece then
        error(("piece %d is not what was sent: %s…"):format(i, tostring(got):sub(1, 40)))
      end
    end
    assert.is_nil(b:read(1))
    writer:join()
    b:close()
  end)

  it("one reader and one writer at a time; a third party gets EBUSY", function()
    local a, b = pair()
    local reader = rt.spawn_local(b.recv, b)
    rt.yield()
    fails("EBUSY", b:recv())
    fails("EBUSY", b:read("l"))
    local big = ("y"):rep(8 * 1024 * 1024)
    local writer = rt.spawn_local(b.write, b, big)
    rt.yield()
    fails("EBUSY", b:write("z"))
    a:write("for the reader")
    local first = reader:join()
    assert.equal("for the reader", first .. kit.recv(b, #"for the reader" - #first))
    local n = 0
    while n < #big do
      n = n + #a:recv()
    end
    writer:join()
    assert.equal(b, b:write("z"))
    assert.equal("z", a:recv())
    a:close()
    b:close()
  end)

  it("shutdown ends one direction", function()
    local a, b = pair()
    a:write("question")
    assert.equal(a, a:shutdown())
    assert.equal("question", b:read("a"))
    b:write("answer")
    b:close()
    assert.equal("answer", a:read("a"))
    fails("EPIPE", a:write("more"))
    a:close()
  end)

  it("close ends the waits of others, with an error, exactly once", function()
    local a, b = pair()
    local reader = rt.spawn_local(function()
      return a:recv()
    end)
    local x, y = pair()
    local lines = rt.spawn_local(function()
      return x:read("l")
    end)
    local writer = rt.spawn_local(function()
      return x:write(("w"):rep(16 * 1024 * 1024))
    end)
    rt.sleep(0.01)
    a:close()
    x:close()
    fails("ECANCELED", reader:join())
    fails("ECANCELED", lines:join())
    fails("ECANCELED", writer:join())
    x:close()
    b:close()
    y:close()
    assert.matches("attempt to use a closed stream", kit.refused(a.recv, a))
    assert.matches("attempt to use a closed stream", kit.refused(x.write, x, "x"))
    local listener = assert(rt.tcp.listen("127.0.0.1", 0))
    local accepting = rt.spawn_local(listener.accept, listener)
    rt.yield()
    listener:close()
    fails("ECANCELED", accepting:join())
    assert.matches("attempt to use a closed listener", kit.refused(listener.accept, listener))
  end)

  it("incoming ends when the listener is closed", function()
    local _, listener, port = pairs_of()
    local n = 0
    local server = rt.spawn_local(function()
      for stream in listener:incoming() do
        n = n + 1
        stream:close()
      end
      return "ended"
    end)
    for _ = 1, 5 do
      local client = assert(rt.tcp.connect("127.0.0.1", port))
      client:read("a")
      client:close()
    end
    listener:close()
    assert.equal("ended", server:join())
    assert.equal(5, n)
  end)

  it("several tasks may accept; each connection goes to one", function()
    local _, listener, port = pairs_of()
    local counts, tasks = {}, {}
    for i = 1, 4 do
      counts[i] = 0
      tasks[i] = rt.spawn_local(function()
        for stream in listener:incoming() do
          counts[i] = counts[i] + 1
          stream:write(i)
          stream:close()
        end
      end)
    end
    local clients = {}
    for i = 1, 40 do
      clients[i] = rt.spawn_local(function()
        local s = assert(rt.tcp.connect("127.0.0.1", port))
        local got = s:read("a")
        s:close()
        return got
      end)
    end
    local seen = 0
    for i = 1, 40 do
      seen = seen + (tonumber(clients[i]:join()) and 1 or 0)
    end
    listener:close()
    for i = 1, 4 do
      tasks[i]:join()
    end
    assert.equal(40, seen)
    assert.equal(40, counts[1] + counts[2] + counts[3] + counts[4])
  end)

  it("__close and __gc close", function()
    local a, b = pair()
    do
      local c <close> = a
    end
    assert.is_nil(b:recv())
    b = nil
    local x, y = pair()
    x = nil
    collectgarbage()
    collectgarbage()
    assert.is_nil(y:recv())
    y:close()
  end)

  it("options: nodelay, keepalive, reuseport, backlog", function()
    local a, b = pair()
    assert.equal(a, a:nodelay(false))
    assert.equal(a, a:nodelay(true))
    assert.equal(a, a:keepalive(30))
    assert.equal(a, a:keepalive(0.5))
    assert.equal(a, a:keepalive(false))
    assert.matches("boolean expected", kit.refused(a.nodelay, a))
    assert.matches("seconds from above 0", kit.refused(a.keepalive, a, 0))
    assert.matches("seconds from above 0", kit.refused(a.keepalive, a, 0 / 0))
    a:close()
    b:close()
    local one = assert(rt.tcp.listen("127.0.0.1", 0, { reuseport = true, backlog = 5 }))
    local _, port = one:sock()
    local two = assert(rt.tcp.listen("127.0.0.1", port, { reuseport = true }))
    one:close()
    two:close()
  end)

  it("EMFILE on accept backs off and goes on", function()
    local command = kit.command(kit.program("accept_without_descriptors"))
    local code, out, err = kit.shell("ulimit -n 40; exec env " .. command)
    assert.equal("true\ttrue\ntrue\ngoes on\n", out, err)
    assert.equal(0, code, err)
    assert.matches("too many open files", err)
  end)

  it("EMFILE on accept in a select backs off and goes on", function()
    local command = kit.command(kit.program("accept_op_without_descriptors"))
    local code, out, err = kit.shell("ulimit -n 40; exec env " .. command)
    assert.equal("1\ttrue\ttrue\nhere\n", out, err)
    assert.equal(0, code, err)
    assert.matches("^rt: accept: EMFILE: too many open files; trying again every 100 ms\n$", err)
  end)

  it(
    "streams and listeners that nobody holds give their descriptors when they are lacking",
    function()
      local command = kit.command(kit.program("garbage_has_descriptors"))
      local code, out, err = kit.shell("ulimit -n 64; exec env " .. command)
      assert.same({ 0, "200\t200\t200\n", "" }, { code, out, err })
    end
  )

  it("so do those that tasks of a pool have left open, on idle workers", function()
    for _, spawn in ipairs { "spawn", "spawn_blocking" } do
      local command = kit.command(kit.program("tasks_leave_descriptors"), spawn, "RT_WORKERS=2")
      local code, out, err = kit.shell("ulimit -n 64; exec env " .. command)
      err = err:gsub("^rt: accept: EMFILE: [^\n]*\n", "") -- (it may have to wait for them)
      assert.same({ 0, "150\n", "" }, { code, out, err })
    end
  end)

  it("G16 a read of much from a fast peer gives way, and has its timeout", function()
    local program = kit.program("read_from_fast_peer")
    local code, out, err = kit.run(program, nil, nil, "RT_WORKERS=1")
    assert.equal(("nil\ttimeout\ttrue\ttrue\n"):rep(3), out, err)
    assert.equal(0, code)
  end)

  it("a read that waits many thousand times, in the main chunk, too", function()
    local code, out, err = kit.run(kit.program("read_of_many_waits"), nil, 60)
    assert.same({ 0, "true\n", "" }, { code, out, err })
  end)

  it("who waits in a select is a reader, too", function()
    local a, b = pair()
    local waiting = rt.spawn_local(function()
      return rt.select(b:recv_op(), rt.sleep_op(30))
    end)
    rt.yield()
    fails("EBUSY", b:recv())
    fails("EBUSY", b:read("l"))
    assert.equal("EBUSY", select(4, rt.select(b:recv_op())))
    assert.matches("a stream that a task is reading from", kit.refused(rt.spawn, print, b))
    a:write("1")
    assert.same({ 1, "1" }, { waiting:join() })
    a:write("2")
    assert.equal("2", b:recv())
  end)

  it("G8 a cancelled accept loses no connection, a cancelled recv no byte", function()
    local _, listener, port = pairs_of()
    local accepting = rt.spawn_local(listener.accept, listener)
    rt.yield()
    local client = assert(rt.tcp.connect("127.0.0.1", port))
    accepting:cancel()
    local ok, stream = pcall(accepting.join, accepting)
    if not ok then
      stream = assert(listener:accept())
    end -- else the accept was done before the cancel
    for i = 1, 50 do
      local receiving = rt.spawn_local(stream.recv, stream)
      rt.yield()
      client:write(("%03d"):format(i))
      if i % 2 == 0 then
        rt.yield()
      end
      receiving:cancel()
      local got, data = pcall(receiving.join, receiving)
      if not got then
        data = ""
      end
      assert.equal(("%03d"):format(i), data .. kit.recv(stream, 3 - #data))
    end
    client:close()
    stream:close()
    listener:close()
  end)

  it("two hundred clients at a time, in one state", function()
    local _, listener, port = pairs_of()
    rt.spawn_local(function()
      for stream in listener:incoming() do
        rt.spawn_local(function()
          while true do
            local data = stream:recv()
            if not data then
              break
            end
            stream:write(data)
          end
          stream:close()
        end)
      end
    end)
    local clients = {}
    for i = 1, 200 do
      clients[i] = rt.spawn_local(function()
        local s = assert(rt.tcp.connect("127.0.0.1", port))
        for round = 1, 5 do
          local text = ("client %d round %d\n"):format(i, round)
          s:write(text)
          assert(s:read("L") == text)
        end
        s:close()
        return true
      end)
    end
    for i = 1, 200 do
      assert.is_true((clients[i]:join()))
    end
    listener:close()
  end)

  it("G16 a task that always has something to do does not keep the others waiting", function()
    local a, b = pair()
    rt.spawn_local(function()
      local piece = ("p"):rep(65536)
      while a:write(piece) do
      end
    end)
    local bytes = 0
    local reader = rt.spawn_local(function()
      local piece = b:recv()
      while piece do
        bytes = bytes + #piece
        piece = b:recv()
      end
    end)
    kit.in_time(0.1, function()
      local worst, last = 0, rt.now()
      for _ = 1, 30 do
        rt.sleep(0.002)
        local t = rt.now()
        worst = math.max(worst, t - last)
        last = t
      end
      return worst
    end)
    reader:cancel()
    assert.is_true(bytes > 0)
    a:close()
    b:close()
  end)
end)

describe("tcp misuse:", function()
  it("arguments of listen and connect", function()
    for _, f in ipairs { rt.tcp.listen, rt.tcp.connect } do
      assert.matches("bad argument #1 .*string expected, got no value", kit.refused(f))
      assert.matches("bad argument #1 .*string expected, got nil", kit.refused(f, nil, 80))
      assert.matches("bad argument #1 .*string expected, got table", kit.refused(f, {}, 80))
      assert.matches("empty host name", kit.refused(f, "", 80))
      assert.matches("zero byte", kit.refused(f, "a\0b", 80))
      assert.matches("too long", kit.refused(f, ("h"):rep(300), 80))
      assert.matches("bad argument #2 .*number expected", kit.refused(f, "127.0.0.1"))
      assert.matches(
        "port from %d to 65535 expected, got 65536",
        kit.refused(f, "127.0.0.1", 65536)
      )
      assert.matches("port from %d to 65535 expected, got %-1", kit.refused(f, "127.0.0.1", -1))
      assert.matches("no integer representation", kit.refused(f, "127.0.0.1", 80.5))
      assert.matches("table expected", kit.refused(f, "127.0.0.1", 80, 5))
      assert.matches("nodelay", kit.refused(f, "127.0.0.1", 80, { nodelay = 1 }))
      assert.matches("unknown option 'timout'", kit.refused(f, "127.0.0.1", 80, { timout = 1 }))
      assert.matches("unknown option '1'", kit.refused(f, "127.0.0.1", 80, { "timeout" }))
    end
    assert.matches("NaN", kit.refused(rt.tcp.connect, "127.0.0.1", 80, { timeout = 0 / 0 }))
    assert.matches("port from 1 to 65535", kit.refused(rt.tcp.connect, "127.0.0.1", 0))
    assert.matches("backlog", kit.refused(rt.tcp.listen, "127.0.0.1", 0, { backlog = 0 }))
  end)

  it("arguments of the methods, and foreign objects", function()
    local a, b = pair()
    for _, name in ipairs {
      "recv",
      "read",
      "write",
      "close",
      "shutdown",
      "peer",
      "sock",
      "nodelay",
      "keepalive",
    } do
      local method = a[name]
      for _, wrong in ipairs { 1, "x", {}, print, io.stdout, coroutine.create(print) } do
        assert.matches("rt.stream expected", kit.refused(method, wrong))
      end
      assert.matches("rt.stream expected, got no value", kit.refused(method))
    end
    assert.matches("positive number", kit.refused(a.recv, a, 0))
    assert.matches("positive number", kit.refused(a.recv, a, -5))
    assert.matches("number expected", kit.refused(a.recv, a, {}))
    assert.matches("string expected, got nil", kit.refused(a.write, a, nil))
    assert.matches("bad argument #3", kit.refused(a.write, a, "x", {}))
    assert.matches("string expected, got boolean", kit.refused(a.write, a, true))
    assert.matches("invalid format", kit.refused(a.read, a, "x"))
    assert.matches("invalid format", kit.refused(a.read, a, ""))
    assert.matches("negative", kit.refused(a.read, a, -1))
    assert.matches("no integer representation", kit.refused(a.read, a, 1.5))
    a:close()
    b:close()
  end)
end)
