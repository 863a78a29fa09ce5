local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

describe("rt.channel", function()
  it("hands values over in order, several at a time, nils too", function()
    local ch = rt.channel(4)
    assert.is_true((ch:send(1, nil, "x")))
    assert.is_true((ch:send { a = 1 }))
    assert.equal(2, #ch)
    assert.same({ n = 3, 1, nil, "x" }, table.pack(ch:recv()))
    assert.same({ a = 1 }, (ch:recv()))
    assert.matches("^rt.channel %(0 of 4%)$", tostring(ch))
  end)

  it("copies what is sent, in one state, too", function()
    local ch, t = rt.channel(1), { 1 }
    ch:send(t)
    t[1] = 2
    assert.same({ 1 }, (ch:recv()))
  end)

  it("G20 at most n values are buffered, and a sender waits when it is full", function()
    local ch = rt.channel(2)
    local sent = 0
    local sender = rt.spawn_local(function()
      for i = 1, 5 do
        ch:send(i)
        sent = i
      end
    end)
    rt.sleep(0.005)
    assert.equal(2, sent)
    assert.equal("waiting", sender:status())
    assert.same({ nil, "full" }, { ch:try_send(9) })
    assert.equal(1, (ch:recv()))
    rt.sleep(0.005)
    assert.equal(3, sent)
    for i = 2, 5 do
      assert.equal(i, (ch:recv()))
    end
    sender:join()
    assert.same({ nil, "empty" }, { ch:try_recv() })
  end)

  it("G20 values stay in order while the buffer grows, wherever it begins", function()
    for taken = 0, 8 do
      local ch, sent, got = rt.channel(100), 0, 0
      local function move(sends, receives)
        for _ = 1, sends do
          sent = sent + 1
          ch:send(sent)
        end
        for _ = 1, receives do
          got = got + 1
          assert.equal(got, ch:recv())
        end
      end
      move(8, taken)
      move(40, 30)
      move(60, 0)
      move(0, sent - got)
    end
  end)

  it("G20 a capacity of 0 is a rendezvous", function()
    local ch = rt.channel(0)
    assert.same({ nil, "full" }, { ch:try_send(1) })
    local passed = false
    local sender = rt.spawn_local(function()
      ch:send("met")
      passed = true
    end)
    rt.sleep(0.005)
    assert.is_false(passed)
    assert.equal("met", (ch:recv()))
    sender:join()
    assert.is_true(passed)
  end)

  it("G20 after close sends fail, buffered values still arrive, then nil and closed", function()
    local ch = rt.channel(5)
    ch:send(1)
    ch:send(2)
    ch:close()
    assert.same({ nil, "closed" }, { ch:send(3) })
    assert.same({ nil, "closed" }, { ch:try_send(3) })
    assert.equal(1, (ch:recv()))
    assert.equal(2, (ch:try_recv()))
    assert.same({ nil, "closed" }, { ch:recv() })
    assert.same({ nil, "closed" }, { ch:try_recv() })
    ch:close()
    assert.matches("closed", tostring(ch))
  end)

  it("close wakes all who wait, on all workers", function()
    local ch, full = rt.channel(0), rt.channel(0)
    local tasks = {}
    for i = 1, 8 do
      local spawn = i % 2 == 0 and rt.spawn or rt.spawn_local
      tasks[#tasks + 1] = spawn(function()
        return select(2, ch:recv())
      end)
      tasks[#tasks + 1] = spawn(function()
        return select(2, full:send(i))
      end)
    end
    for _, task in ipairs(tasks) do
      task_kit.waits(task)
    end
    ch:close()
    full:close()
    for _, task in ipairs(tasks) do
      assert.equal("closed", (task:join()))
    end
  end)

  it("is an iterator itself", function()
    local ch, got = rt.channel(4), {}
    for i = 1, 3 do
      ch:send(i, i * i)
    end
    ch:close()
    for a, b in ch do
      got[#got + 1] = { a, b }
    end
    assert.same({ { 1, 1 }, { 2, 4 }, { 3, 9 } }, got)
  end)

  it("G20 a loop ends when it is closed, and at nothing else: a message with nil raises", function()
    for _, way in ipairs { "in channel", "in channel:iter()" } do
      for _, late in ipairs { false, true } do
        for _, nothing in ipairs { table.pack(nil, 2), table.pack(), table.pack(nil, "closed") } do
          local ch, got = rt.channel(4), {}
          local pause = late and rt.yield or function() end
          local function send()
            ch:send(false)
            pause()
            ch:send(1, nil)
            pause()
            ch:send(table.unpack(nothing, 1, nothing.n))
            pause()
            ch:send("after it")
            pause()
            ch:close()
          end
          local function loop()
            if way == "in channel" then
              for value in ch do
                got[#got + 1] = value
              end
            else
              for value in ch:iter() do
                got[#got + 1] = value
              end
            end
          end
          if late then
            rt.spawn_local(send) -- begins when the loop waits
          else
            send()
          end
          local message = kit.refused(loop)
          assert.matches("channel_spec.lua:%d+: a loop cannot have a message that begins", message)
          assert.same({ false, 1 }, got)
          loop()
          assert.same({ false, 1, "after it" }, got)
        end
      end
    end
  end)

  it("a loop over one in rt.map ends when it is closed, and raises at a nil, too", function()
    local ch = rt.channel(4)
    ch:send(1)
    ch:send(2)
    ch:close()
    assert.same({ 1, 2, n = 2 }, rt.map(2, ch, math.abs))
    ch = rt.channel(4)
    ch:send(1)
    ch:send()
    local message = kit.refused(function()
      rt.each(2, ch, tostring)
    end)
    assert.matches("channel_spec.lua:%d+: a loop cannot have", message)
  end)

  it("iterates until it is closed", function()
    local ch = rt.channel(2)
    rt.spawn(function()
      for i = 1, 100 do
        ch:send(i)
      end
      ch:close()
    end)
    local sum = 0
    for v in ch:iter() do
      sum = sum + v
    end
    assert.equal(5050, sum)
  end)

  it("G19 receivers and senders are served in the order in which they came", function()
    local ch, log = rt.channel(0), {}
    local tasks = {}
    for i = 1, 10 do
      tasks[i] = rt.spawn_local(function()
        local v = ch:recv()
        log[#log + 1] = i .. ":" .. v
      end)
      rt.yield()
    end
    for i = 1, 10 do
      ch:send(i)
    end
    for i = 1, 10 do
      tasks[i]:join()
    end
    local expected = {}
    for i = 1, 10 do
      expected[i] = i .. ":" .. i
    end
    assert.same(expected, log)
  end)

  it("G8 a cancelled receiver has consumed nothing", function()
    local ch = rt.channel(0)
    local first = rt.spawn_local(ch.recv, ch)
    local second = rt.spawn_local(ch.recv, ch)
    rt.yield()
    rt.yield()
    first:cancel()
    rt.yield()
    ch:send("for the second")
    assert.equal("for the second", (second:join()))
    assert.equal("cancelled", first:status())
  end)

  it("G9 a value that was sent before the cancel is received", function()
    for _, cancelled in ipairs { "recv", "send" } do
      local ch = rt.channel(0)
      local task = rt.spawn_local(ch[cancelled], ch, 1)
      rt.yield()
      if cancelled == "recv" then
        ch:send(1)
      else
        assert.equal(1, ch:recv())
      end
      task:cancel() -- it has not run since
      assert.equal(cancelled == "recv" and 1 or true, task:join())
    end
  end)

  it("G8 a timeout has consumed nothing, and sent nothing", function()
    local ch = rt.channel(0)
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, ch.recv, ch) })
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, ch.send, ch, "lost") })
    assert.same({ nil, "empty" }, { ch:try_recv() })
    local sender = rt.spawn_local(ch.send, ch, "kept")
    rt.yield()
    assert.equal("kept", (ch:recv()))
    sender:join()
  end)

  it("G8 cancels and values race: what was sent is what was received", function()
    local ch = rt.channel(0)
    local receivers, received, n = {}, rt.channel(100000), 300
    local producer = rt.spawn(function()
      local sent = 0
      for i = 1, n do
        local ok = rt.timeout(0.2, ch.send, ch, i)
        if ok then
          sent = sent + i
        end
      end
      ch:close()
      return sent
    end)
    for i = 1, n * 2 do
      receivers[i] = (i % 2 == 0 and rt.spawn or rt.spawn_local)(function()
        local v = ch:recv()
        if v then
          received:try_send(v) -- the task may have been cancelled since it received
        end
      end)
      if i % 3 == 0 then
        rt.yield()
        receivers[i]:cancel()
      end
    end
    local sent = producer:join()
    for _, task in ipairs(receivers) do
      pcall(task.join, task)
    end
    received:close()
    local sum = 0
    for v in received:iter() do
      sum = sum + v
    end
    assert.equal(sent, sum)
  end)

  it("G20 no message is lost, doubled or overtaken: 4 producers and 4 consumers", function()
    local each = kit.flavor == "" and 25000 or 2500
    for _, capacity in ipairs { 0, 1, 1024 } do
      local ch = rt.channel(capacity)
      local producers, consumers = {}, {}
      for p = 1, 4 do
        producers[p] = rt.spawn(function()
          for i = 1, each do
            ch:send(p, i)
          end
        end)
        consumers[p] = rt.spawn(function()
          local last, count, sum = { 0, 0, 0, 0 }, 0, 0
          for from, i in ch:iter() do
            assert(i > last[from], "overtaken")
            last[from] = i
            count, sum = count + 1, sum + i
          end
          return count, sum
        end)
      end
      for p = 1, 4 do
        producers[p]:join()
      end
      ch:close()
      local count, sum = 0, 0
      for c = 1, 4 do
        local n, s = consumers[c]:join()
        count, sum = count + n, sum + s
      end
      assert.equal(4 * each, count)
      assert.equal(4 * each * (each + 1) // 2, sum)
    end
  end)

  it("channels travel in channels", function()
    local requests = rt.channel()
    local server = rt.spawn(function()
      for x, reply in requests:iter() do
        reply:send(x * 2)
      end
    end)
    for i = 1, 10 do
      local reply = rt.channel(1)
      requests:send(i, reply)
      assert.equal(i * 2, (reply:recv()))
    end
    requests:close()
    server:join()
  end)

  it("a chain of channels and tasks, however long, is freed without growing the stack", function()
    -- (With the thread sanitizer a channel costs half a millisecond.)
    local length = kit.flavor == "tsan" and 40000 or 400000
    local code, out, err = kit.run(kit.program("long_chains"), tostring(length), 60)
    assert.same({ 0, "freed\n", "" }, { code, out, err })
  end)

  it("misuse raises", function()
    assert.matches("a capacity from 0", kit.refused(rt.channel, -1))
    assert.matches("number expected, got string", kit.refused(rt.channel, "x"))
    assert.matches("no integer representation", kit.refused(rt.channel, 1.5))
    local ch = rt.channel()
    assert.matches(
      "cannot send value 2 %(userdata FILE%*%)",
      kit.refused(ch.send, ch, 1, io.tmpfile())
    )
    for _, name in ipairs { "send", "recv", "try_send", "try_recv", "iter", "close" } do
      for _, wrong in ipairs { 1, {}, io.stdout } do
        assert.matches("rt.channel expected", kit.refused(ch[name], wrong))
      end
    end
  end)

  it("a stream for which there is no room has not moved", function()
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    local connecting = rt.spawn_local(rt.tcp.connect, "127.0.0.1", port)
    local here <close> = assert(listener:accept())
    local there <close> = assert(connecting:join())
    local full = rt.channel(0)
    assert.same({ nil, "full" }, { full:try_send(here) })
    here:write("still here")
    assert.equal("still here", there:read(10))
  end)

  it("G8, G11 a send that comes to nothing has moved nothing", function()
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    local there = assert(rt.tcp.connect("127.0.0.1", port))
    local here = assert(listener:accept())
    local full = rt.channel(1)
    full:send(0)
    local ways = {
      ["a timeout"] = function(value)
        assert.same({ nil, "timeout" }, { rt.timeout(0.005, full.send, full, value) })
      end,
      ["a cancel"] = function(value)
        local task = rt.spawn_local(full.send, full, value)
        rt.yield()
        task:cancel()
        assert.is_false((pcall(task.join, task)))
      end,
      ["a lost select"] = function(value)
        assert.equal(2, (rt.select(full:send_op(value), rt.sleep_op(0.005))))
      end,
      ["a select that is cancelled"] = function(value)
        local op = full:send_op(value)
        assert.same({ nil, "timeout" }, { rt.timeout(0.005, rt.select, op) })
        assert.same({ nil, "timeout" }, { rt.timeout(0.005, rt.select, op) })
      end,
      ["a channel that is closed meanwhile"] = function(value)
        for _, send in ipairs {
          full.send,
          function(ch, v)
            return select(2, rt.select(ch:send_op(v)))
          end,
        } do
          local ch = rt.channel(0)
          local task = rt.spawn_local(function()
            return send(ch, value)
          end)
          rt.yield()
          ch:close()
          assert.same({ nil, "closed" }, { task:join() })
        end
      end,
    }
    for name, way in pairs(ways) do
      there:write("one\ntwo\n")
      assert.equal("one", here:read("l")) -- "two" has been read, and not taken
      way(here)
      assert.equal("two", here:read("l"), name)
      way { deep = { here } }
      here:write("back\n")
      assert.equal("back", there:read("l"), name)
      way(listener)
      assert.is_nil(tostring(listener):find("moved"), name)
    end
    local accepting = rt.spawn_local(listener.accept, listener)
    assert(rt.tcp.connect("127.0.0.1", port)):close()
    accepting:join():close()
    -- and a stream that was closed meanwhile stays closed
    local task = rt.spawn_local(full.send, full, here)
    rt.yield()
    assert.matches("moved", tostring(here))
    here:close()
    task:cancel()
    assert.is_false((pcall(task.join, task)))
    assert.is_nil(there:recv())
    assert.is_false((pcall(here.recv, here)))
  end)
end)
