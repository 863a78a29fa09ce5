--- rt.channel with a bound in bytes.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local settle = task_kit.settle

--- A message of a string: its size, as it is packed.
local function size_of(text)
  local ch = rt.channel(1, { bytes = 1 })
  ch:send(text)
  return math.tointeger(tostring(ch):match("(%d+) of 1 bytes"))
end

local SMALL, LARGE = ("s"):rep(100), ("l"):rep(300)
local small, large = size_of(SMALL), size_of(LARGE)

describe("rt.channel with a bound in bytes", function()
  it("holds no more bytes than that, and no more messages than its capacity", function()
    assert.is_true(small >= 100 and small < 120 and large >= 300)
    local ch = rt.channel(4, { bytes = large + small })
    assert.is_true(ch:try_send(LARGE))
    assert.is_true(ch:try_send(SMALL))
    assert.same({ nil, "full" }, { ch:try_send(1) })
    assert.equal(
      ("rt.channel (2 of 4, %d of %d bytes)"):format(large + small, large + small),
      tostring(ch)
    )
    assert.equal(LARGE, ch:recv())
    assert.same({ nil, "full" }, { ch:try_send(LARGE .. "x") })
    for _ = 1, 3 do
      assert.is_true(ch:try_send(1))
    end
    assert.same({ nil, "full" }, { ch:try_send(1) }) -- 4 of 4
    assert.equal(SMALL, ch:recv())
    for _ = 1, 3 do
      assert.equal(1, ch:recv())
    end
    assert.matches("%(0 of 4, 0 of ", tostring(ch))
  end)

  it("a message larger than the bound has room in an empty buffer only", function()
    local ch = rt.channel(4, { bytes = 10 })
    assert.is_true(ch:try_send(LARGE))
    assert.same({ nil, "full" }, { ch:try_send(1) })
    local sender = rt.spawn(function()
      ch:send(SMALL)
      ch:send(LARGE)
      return "sent"
    end)
    assert.equal(LARGE, ch:recv())
    assert.equal(SMALL, ch:recv())
    assert.equal("sent", sender:join())
    assert.equal(LARGE, ch:recv())
  end)

  it("a receive lets as many senders go on as there is room for, in their order", function()
    local ch, tasks = rt.channel(10, { bytes = 3 * small }), {}
    ch:send(LARGE)
    for i = 1, 5 do
      tasks[i] = rt.spawn_local(ch.send, ch, i .. SMALL:sub(2))
      rt.yield()
    end
    assert.equal(LARGE, ch:recv())
    assert.equal(3, #ch)
    settle()
    assert.equal(
      "done done done waiting waiting",
      table.concat({
        tasks[1]:status(),
        tasks[2]:status(),
        tasks[3]:status(),
        tasks[4]:status(),
        tasks[5]:status(),
      }, " ")
    )
    for i = 1, 5 do
      assert.equal(i .. SMALL:sub(2), ch:recv())
    end
  end)

  it("G19 a large message that waits is not overtaken by a small one", function()
    local ch = rt.channel(10, { bytes = large + small })
    ch:send(SMALL)
    ch:send(SMALL)
    local first = rt.spawn_local(ch.send, ch, LARGE)
    rt.yield()
    assert.same({ nil, "full" }, { ch:try_send(1) }) -- though there is room for it
    local second = rt.spawn(ch.send, ch, 2)
    task_kit.waits(second)
    assert.equal(2, #ch)
    assert.same({ 2 }, { rt.select(ch:send_op(3), rt.sleep_op(0.002)) })
    local got = {}
    for i = 1, 4 do
      got[i] = ch:recv()
    end
    assert.same({ SMALL, SMALL, LARGE, 2 }, got)
    rt.join(first, second)
  end)

  it("G8 when a sender of a large message gives up, those behind it go on", function()
    for _, how in ipairs { "cancel", "timeout", "select" } do
      local ch = rt.channel(10, { bytes = large + small })
      ch:send(SMALL)
      ch:send(SMALL)
      local enough = rt.notify()
      local first = rt.spawn_local(function()
        if how == "timeout" then
          return rt.timeout(0.01, ch.send, ch, LARGE)
        end
        return rt.select(ch:send_op(LARGE), enough:wait_op())
      end)
      rt.yield()
      local second, third = rt.spawn_local(ch.send, ch, 2), rt.spawn_local(ch.send, ch, 3)
      settle()
      if how == "cancel" then
        first:cancel()
      elseif how == "select" then
        enough:notify_one()
      end
      assert.same({ true, true }, { rt.join(second, third) })
      assert.equal(4, #ch)
      pcall(first.join, first)
    end
  end)

  it("G11 a select that sends a large and a small message is not in its own way", function()
    local ch = rt.channel(10, { bytes = 2 * small })
    ch:send(SMALL)
    ch:send(SMALL)
    local chooser = rt.spawn_local(function()
      return rt.select(ch:send_op(LARGE), ch:send_op(SMALL .. "x"), ch:send_op(3))
    end)
    settle()
    assert.equal(SMALL, ch:recv())
    assert.equal(3, (chooser:join()))
    assert.equal(SMALL, ch:recv())
    assert.equal(3, ch:recv())
    assert.same({ nil, "empty" }, { ch:try_recv() })
  end)

  it("a receiver that waits gets a message of any size, and close ends all waits", function()
    local ch = rt.channel(4, { bytes = 1 })
    local receiver = rt.spawn(ch.recv, ch)
    task_kit.waits(receiver)
    assert.is_true(ch:send(LARGE))
    assert.equal(LARGE, receiver:join())
    ch:send(LARGE)
    local sender = rt.spawn(ch.send, ch, SMALL)
    task_kit.waits(sender)
    ch:close()
    assert.same({ nil, "closed" }, { sender:join() })
    assert.matches("bytes, closed%)$", tostring(ch))
    assert.equal(LARGE, ch:recv())
    assert.same({ nil, "closed" }, { ch:recv() })
  end)

  it("a stream for which there is no room has not moved", function()
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local there <close> = assert(rt.tcp.connect(listener:sock()))
    local here <close> = assert(listener:accept())
    local ch = rt.channel(4, { bytes = large })
    ch:send(SMALL)
    assert.same({ nil, "full" }, { ch:try_send(here, LARGE) })
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, ch.send, ch, LARGE, here) })
    here:write("still here")
    assert.equal("still here", there:read(10))
  end)

  it("without a buffer, or with no bound, the bytes do not count", function()
    local ch = rt.channel(0, { bytes = 1 })
    local sender = rt.spawn_local(ch.send, ch, LARGE)
    assert.equal(LARGE, ch:recv())
    assert.is_true(sender:join())
    ch = rt.channel(nil, { bytes = math.huge })
    assert.is_true(ch:try_send(LARGE))
    assert.equal("rt.channel (1 of 1024)", tostring(ch))
  end)

  it("G20 no message is lost, doubled or overtaken, and the bytes stay below the bound", function()
    kit.on_workers(kit.program("random_sizes"))
  end)

  it("misuse raises", function()
    for _, wrong in ipairs { 0, -1, 1.5, "x", {} } do
      assert.matches(
        "option 'bytes': a positive integer, or math.huge, expected",
        kit.refused(rt.channel, 1, { bytes = wrong })
      )
    end
    assert.matches(
      "rt.channel: unknown option 'size' %(known: bytes%)",
      kit.refused(rt.channel, 1, { size = 1 })
    )
    assert.matches("table expected, got number", kit.refused(rt.channel, 1, 100))
  end)
end)
