local kit = require("kit")
local rt = require("rt")

local function pair()
  local l <close> = assert(rt.tcp.listen("127.0.0.1", 0))
  local _, port = l:sock()
  local c = rt.spawn_local(rt.tcp.connect, "127.0.0.1", port)
  return assert(l:accept()), assert(c:join())
end

describe("rt.select", function()
  it("does what can be done at once, and says which", function()
    local a, b = rt.channel(1), rt.channel(1)
    b:send("x", 2)
    assert.same({ 2, "x", 2 }, { rt.select(a:recv_op(), b:recv_op()) })
    assert.same({ 1, true }, { rt.select(a:send_op("y"), b:recv_op()) })
    assert.equal("y", (a:recv()))
  end)

  it("waits for the first", function()
    local a, b = rt.channel(0), rt.channel(0)
    rt.spawn(function()
      rt.sleep(0.005)
      b:send("late")
    end)
    assert.same({ 2, "late" }, { rt.select(a:recv_op(), b:recv_op(), rt.sleep_op(10)) })
    rt.spawn_local(function()
      rt.sleep(0.005)
      assert.equal("sent", (a:recv()))
    end)
    assert.same({ 1, true }, { rt.select(a:send_op("sent"), b:recv_op()) })
  end)

  it("G11 the others have consumed nothing", function()
    local full, empty = rt.channel(1), rt.channel(1)
    full:send(1)
    for _ = 1, 100 do
      local i = rt.select(full:send_op(2), empty:recv_op(), rt.sleep_op(0))
      assert.equal(3, i)
    end
    assert.equal(3, (rt.select(full:send_op(2), empty:recv_op(), rt.sleep_op(0.001))))
    assert.equal(1, (full:recv()))
    assert.same({ nil, "empty" }, { full:try_recv() })
    empty:send("kept")
    assert.equal("kept", (empty:recv()))
  end)

  it("G11 is fair among those that can be done", function()
    local a, b, counts = rt.channel(1), rt.channel(1), { 0, 0 }
    for _ = 1, 400 do
      a:try_send(1)
      b:try_send(1)
      local i = rt.select(a:recv_op(), b:recv_op())
      counts[i] = counts[i] + 1
    end
    assert.is_true(counts[1] > 100 and counts[2] > 100, counts[1] .. " and " .. counts[2])
  end)

  it("biased: the first listed", function()
    local a, b = rt.channel(100), rt.channel(100)
    for i = 1, 50 do
      a:send(i)
      b:send(i)
    end
    for _ = 1, 50 do
      assert.equal(1, (rt.select_biased(a:recv_op(), b:recv_op())))
    end
  end)

  it("a default is done when nothing else can be", function()
    local ch = rt.channel(1)
    local recv = ch:recv_op()
    assert.same({ 2 }, { rt.select(recv, rt.default_op()) })
    ch:send("now")
    assert.same({ 1, "now" }, { rt.select(recv, rt.default_op()) })
  end)

  it("operations are values that can be selected again", function()
    local ch, tick = rt.channel(0), rt.sleep_op(0.001)
    local recv = ch:recv_op()
    for _ = 1, 5 do
      assert.equal(2, (rt.select(recv, tick)))
    end
    rt.spawn_local(ch.send, ch, "x")
    assert.same({ 1, "x" }, { rt.select(recv, rt.sleep_op(5)) })
    assert.matches("^rt.operation %(recv of rt.channel", tostring(recv))
  end)

  it("a channel that is closed meanwhile", function()
    local ch, full = rt.channel(0), rt.channel(0)
    rt.spawn_local(function()
      rt.sleep(0.002)
      ch:close()
    end)
    assert.same({ 1, nil, "closed" }, { rt.select(ch:recv_op(), full:send_op(1)) })
    assert.same({ 1, nil, "closed" }, { rt.select(ch:send_op(1)) })
  end)

  it("joins tasks, here and there, and raises their errors", function()
    local here = rt.spawn_local(function()
      rt.sleep(0.002)
      return "here", 1
    end)
    local there = rt.spawn(function()
      rt.sleep(0.01)
      error("there", 0)
    end)
    assert.same({ 1, "here", 1 }, { rt.select(here:join_op(), there:join_op()) })
    assert.same({ 1, "here", 1 }, { rt.select(here:join_op()) })
    local ok, err = pcall(rt.select, there:join_op(), rt.sleep_op(10))
    assert.same({ false, "there" }, { ok, err })
  end)

  it("accepts and receives", function()
    local l = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = l:sock()
    assert.equal(2, (rt.select(l:accept_op(), rt.sleep_op(0.002))))
    local client = rt.spawn_local(rt.tcp.connect, "127.0.0.1", port)
    local i, s = rt.select(rt.sleep_op(10), l:accept_op())
    assert.equal(2, i)
    local c = client:join()
    assert.equal(1, (rt.select(rt.sleep_op(0.002), s:recv_op())))
    c:write("hello world")
    assert.same({ 1, "hello" }, { rt.select(s:recv_op(5), rt.sleep_op(10)) })
    assert.same({ 1, " world" }, { rt.select(s:recv_op(), rt.sleep_op(10)) })
    c:close()
    assert.same({ 1 }, { rt.select(s:recv_op(), rt.sleep_op(10)) })
    s:close()
    l:close()
  end)

  it("G8 a cancel or a timeout withdraws it, and nothing has happened", function()
    local a, b = rt.channel(0), rt.channel(0)
    local r, why = rt.timeout(0.005, rt.select, a:recv_op(), b:send_op("lost"))
    assert.same({ nil, "timeout" }, { r, why })
    assert.same({ nil, "empty" }, { b:try_recv() })
    local task = rt.spawn_local(rt.select, a:recv_op(), b:send_op("lost"))
    rt.yield()
    task:cancel()
    assert.is_false((pcall(task.join, task)))
    local receiver = rt.spawn_local(a.recv, a)
    rt.yield()
    a:send("for the receiver")
    assert.equal("for the receiver", (receiver:join()))
  end)

  it("G11 selects against selects: exactly one commits, nothing is lost or doubled", function()
    local n = kit.flavor == "" and 2000 or 300
    local chans = { rt.channel(0), rt.channel(0), rt.channel(1) }
    local function work(seed)
      math.randomseed(seed)
      local sent, got = 0, 0
      for i = 1, n do
        local x, y = math.random(3), math.random(3)
        local value = seed * 1000000 + i
        local which, v = rt.select(chans[x]:send_op(value), chans[y]:recv_op(), rt.sleep_op(0.002))
        if which == 1 then
          sent = sent + value
        elseif which == 2 then
          got = got + v
        end
      end
      return sent, got
    end
    local tasks = {}
    for i = 1, 6 do
      tasks[i] = (i % 2 == 0 and rt.spawn or rt.spawn_local)(work, i)
    end
    local sent, got = 0, 0
    for i = 1, 6 do
      local s, g = tasks[i]:join()
      sent, got = sent + s, got + g
    end
    for _, ch in ipairs(chans) do
      local v = ch:try_recv()
      while v do
        got = got + v
        v = ch:try_recv()
      end
    end
    assert.equal(sent, got)
  end)

  it("a stale wake-up does nothing to the next wait", function()
    local a, b = rt.channel(0), rt.channel(0)
    for i = 1, 200 do
      local sender = rt.spawn(function()
        a:send(i)
      end)
      local which, v = rt.select(a:recv_op(), b:recv_op())
      assert.same({ 1, i }, { which, v })
      assert.same({ nil, "timeout" }, { rt.timeout(0, b.recv, b) })
      sender:join()
    end
  end)

  it("bad arguments", function()
    assert.matches("operation expected, got no value", kit.refused(rt.select))
    assert.matches("operation expected, got number", kit.refused(rt.select, rt.sleep_op(1), 5))
    assert.matches("number expected", kit.refused(rt.sleep_op))
    local x, y = pair()
    x:close()
    assert.matches("closed stream", kit.refused(x.recv_op, x))
    y:close()
  end)
end)
