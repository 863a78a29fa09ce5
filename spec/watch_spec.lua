--- rt.watch: the latest value, and tasks that wait for the next.
local kit = require("kit")
local rt = require("rt")
local task_kit = require("task_kit")

local spawners, waits = task_kit.spawners, task_kit.waits

describe("rt.watch", function()
  it("has the latest value, and its watchers see it once", function()
    local w = rt.watch { 1 }
    assert.same({ 1 }, (w:get()))
    local watcher = w:subscribe()
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, watcher.recv, watcher) })
    w:set(2)
    w:set(3, nil, "x")
    assert.equal("rt.watcher (there is a new value)", tostring(watcher))
    assert.same({ n = 3, 3, nil, "x" }, table.pack(watcher:recv()))
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, watcher.recv, watcher) })
    assert.same({ n = 3, 3, nil, "x" }, table.pack(w:get()))
    assert.equal("rt.watch (1 watchers)", tostring(w))
  end)

  it("changed waits for the next one", function()
    local w = rt.watch(1)
    local tasks = {}
    for i, spawner in ipairs(spawners) do
      tasks[i] = spawner[2](function()
        return w:changed()
      end)
    end
    kit.wait_for(function()
      return tostring(w) == "rt.watch (3 watchers)"
    end, 5, "them to wait")
    for i = 1, 3 do
      waits(tasks[i])
    end
    w:set(2)
    for i = 1, 3 do
      assert.equal(2, (tasks[i]:join()))
    end
  end)

  it("a value that is set between get and changed is not missed, by its version", function()
    local w = rt.watch("first")
    assert.equal(1, w:version())
    local version = w:version()
    assert.equal("first", w:get())
    w:set("second")
    w:set("third", "more")
    assert.equal(3, w:version())
    assert.same({ "third", "more" }, { w:changed(version) })
    assert.same({ "third", "more" }, { w:changed(0) })
    assert.same({ nil, "timeout" }, { rt.timeout(0.002, w.changed, w, w:version()) })
    for _, spawner in ipairs(spawners) do
      version = w:version()
      local task = spawner[2](w.changed, w, version)
      waits(task)
      w:set("fourth")
      assert.equal("fourth", task:join())
      assert.equal(version + 1, w:version())
    end
    version = w:version()
    w:set("last")
    w:close()
    assert.equal("last", w:changed(version))
    assert.same({ nil, "closed" }, { w:changed(w:version()) })
    assert.same({ nil, "closed" }, { w:set("too late") })
    assert.equal(version + 1, w:version())
  end)

  it("a watcher may begin at a version", function()
    local w = rt.watch("first")
    local version = w:version()
    w:set("second")
    local late, early = w:subscribe(), w:subscribe(version)
    assert.same({ nil, "empty" }, { late:try_recv() })
    assert.equal("rt.watcher (there is a new value)", tostring(early))
    assert.equal("second", early:try_recv())
    assert.same({ nil, "empty" }, { early:try_recv() })
    assert.same({ 1, "second" }, { rt.select(w:subscribe(1):recv_op(), rt.sleep_op(60)) })
    for _, method in ipairs { "changed", "subscribe" } do
      for _, wrong in ipairs { -1, 3, math.mininteger } do
        assert.matches("%(a version of this watch expected%)", kit.refused(w[method], w, wrong))
      end
      assert.matches("no integer representation", kit.refused(w[method], w, 0.5))
      assert.matches("number expected, got table", kit.refused(w[method], w, {}))
    end
  end)

  it("G8 a task that asks by version sees the last of many values, on all workers", function()
    kit.on_workers(kit.program("versions"))
  end)

  it("after close the last value still arrives, then nil and closed", function()
    local w = rt.watch(1)
    local behind, waiting = w:subscribe(), w:subscribe()
    local task = rt.spawn(function()
      return waiting:recv(), select(2, waiting:recv())
    end)
    waits(task)
    w:set(2)
    w:close()
    assert.same({ 2, "closed" }, { task:join() })
    assert.equal(2, (behind:recv()))
    assert.same({ nil, "closed" }, { behind:recv() })
    assert.same({ nil, "closed" }, { w:changed() })
    assert.same({ nil, "closed" }, { w:set(3) })
    assert.equal(2, (w:get()))
  end)

  it("a loop over a watcher gets each new value, or the latest, until it is closed", function()
    for _, way in ipairs { "iter", "call" } do
      local w = rt.watch(1)
      local watcher, got = w:subscribe(), {}
      w:set(2)
      w:set(3)
      rt.spawn_local(function()
        rt.yield()
        w:set(false)
        rt.yield()
        w:set(5, "more")
        w:close()
      end)
      if way == "iter" then
        for value, more in watcher:iter() do
          got[#got + 1] = { value, more }
        end
      else
        for value, more in watcher do
          got[#got + 1] = { value, more }
        end
      end
      assert.same({ { 3 }, { false }, { 5, "more" } }, got)
    end
    local w = rt.watch(1)
    local watcher = w:subscribe()
    w:set(nil)
    local message = kit.refused(function()
      for _ in watcher do
        error("was given")
      end
    end)
    assert.matches("watch_spec.lua:%d+: a loop cannot have", message)
    assert.same({ nil, "empty" }, { watcher:try_recv() })
    w:set(2, 3)
    assert.same({ 2, 3 }, { watcher:try_recv() })
  end)

  it("a watcher that is closed hears nothing more", function()
    local w = rt.watch(1)
    local watcher = w:subscribe()
    local task = rt.spawn(function()
      return watcher:recv()
    end)
    waits(task)
    watcher:close()
    assert.same({ nil, "closed" }, { task:join() })
    w:set(2)
    assert.same({ nil, "closed" }, { watcher:recv() })
    assert.equal("rt.watch (0 watchers)", tostring(w))
  end)

  it("G8 everyone sees the last of many values, and none goes back", function()
    kit.on_workers(kit.program("many_values"))
  end)
end)
