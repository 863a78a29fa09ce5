--- rt.broadcast: every subscriber gets every message.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local join_all, waits = task_kit.join_all, task_kit.waits

describe("rt.broadcast", function()
  it("every subscriber gets what was sent since it subscribed", function()
    local b = rt.broadcast(8)
    b:send("nobody hears this")
    local first = b:subscribe()
    b:send(1, nil, "x")
    local second = b:subscribe()
    b:send { 2 }
    assert.same({ n = 3, 1, nil, "x" }, table.pack(first:recv()))
    assert.same({ 2 }, (first:recv()))
    assert.same({ 2 }, (second:try_recv()))
    assert.same({ nil, "empty" }, { second:try_recv() })
    assert.equal("rt.broadcast (3 of 8, 2 subscribers)", tostring(b))
    assert.equal("rt.subscriber (0 behind)", tostring(first))
  end)

  it("one that lags is told once how much it lost, and goes on with the oldest", function()
    local b = rt.broadcast(3)
    local s = b:subscribe()
    for i = 1, 10 do
      b:send(i)
    end
    assert.same({ nil, "lagged", 7 }, { s:recv() })
    assert.equal(8, (s:recv()))
    assert.equal(9, (s:recv()))
    assert.equal(10, (s:recv()))
    assert.same({ nil, "empty" }, { s:try_recv() })
  end)

  it("after close what is kept still arrives, then nil and closed", function()
    local b = rt.broadcast(3)
    local s, waiting = b:subscribe(), b:subscribe()
    local task = rt.spawn(function()
      return waiting:recv(), select(2, waiting:recv())
    end)
    waits(task)
    b:send(1)
    kit.wait_for(function()
      return tostring(waiting) == "rt.subscriber (0 behind)"
    end, 10, "the message to be received")
    waits(task)
    b:close()
    assert.same({ 1, "closed" }, { task:join() })
    assert.equal(1, (s:recv()))
    assert.same({ nil, "closed" }, { s:recv() })
    assert.same({ nil, "closed" }, { b:send(2) })
    local late = b:subscribe()
    assert.same({ nil, "closed" }, { late:recv() })
  end)

  it("a loop over a subscriber ends at close, and passes over what is lost", function()
    for _, way in ipairs { "iter", "call" } do
      local b = rt.broadcast(3)
      local s, got = b:subscribe(), {}
      for i = 1, 5 do
        b:send(i, i * i)
      end
      rt.spawn_local(function()
        rt.yield()
        b:send(6, 36)
        b:close()
      end)
      local function add(i, square)
        got[#got + 1] = i .. ":" .. square
      end
      if way == "iter" then
        for i, square in s:iter() do
          add(i, square)
        end
      else
        for i, square in s do
          add(i, square)
        end
      end
      assert.same({ "3:9", "4:16", "5:25", "6:36" }, got)
    end
    local b = rt.broadcast(3)
    local s = b:subscribe()
    b:send(nil, 1)
    b:send("after it")
    local message = kit.refused(function()
      for _ in s do
        error("was given")
      end
    end)
    assert.matches("broadcast_spec.lua:%d+: a loop cannot have", message)
    assert.equal("after it", s:recv())
  end)

  it("G19 tasks that share a subscriber share its messages, in order", function()
    local b, log, tasks = rt.broadcast(4), {}, {}
    local s = b:subscribe()
    for i = 1, 4 do
      tasks[i] = rt.spawn_local(function()
        local v = s:recv()
        log[#log + 1] = i .. ":" .. v
      end)
      rt.yield()
    end
    for i = 1, 4 do
      b:send(i)
    end
    join_all(tasks)
    assert.same({ "1:1", "2:2", "3:3", "4:4" }, log)
  end)

  it("G8 timeouts race with messages: every subscriber gets every one, in order", function()
    kit.on_workers(kit.program("timeouts"))
  end)

  it("G8 what a lagging subscriber got and lost is what was sent", function()
    kit.on_workers(kit.program("lagging_subscribers"))
  end)
end)
