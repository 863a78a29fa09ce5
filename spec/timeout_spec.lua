--- rt.timeout where nothing waits: loops of operations that can always be done at once, and single
--- ones.
local kit = require("kit")
local rt = require("rt")

--- By title: makes, in the state that calls it, a step whose operation never has to wait. The
--- functions are sent to workers, so they have no upvalues.
local hogs = {
  ["mutex:lock"] = function(rt)
    local m = rt.mutex()
    return function()
      m:lock():unlock()
    end
  end,
  ["mutex:with"] = function(rt)
    local m = rt.mutex(0)
    local function f() end
    return function()
      m:with(f)
    end
  end,
  ["semaphore:acquire"] = function(rt)
    local s = rt.semaphore(1)
    return function()
      s:acquire()
      s:release()
    end
  end,
  ["semaphore:permit"] = function(rt)
    local s = rt.semaphore(1)
    return function()
      s:permit():release()
    end
  end,
  ["semaphore:with"] = function(rt)
    local s = rt.semaphore(1)
    local function f() end
    return function()
      s:with(f)
    end
  end,
  ["limiter:acquire"] = function(rt)
    local l = rt.limiter { rate = 1e12, burst = 1000 }
    return function()
      l:acquire()
    end
  end,
  ["notify:wait"] = function(rt)
    local n = rt.notify()
    return function()
      n:notify_one()
      n:wait()
    end
  end,
  ["watcher:recv"] = function(rt)
    local w = rt.watch(0)
    local watcher = w:subscribe()
    return function()
      w:set(1)
      watcher:recv()
    end
  end,
  ["a loop over a watcher"] = function(rt)
    local w = rt.watch(0)
    local watcher = w:subscribe()
    return function()
      w:set(1)
      watcher()
    end
  end,
  ["a loop over a channel"] = function(rt)
    local ch = rt.channel(1)
    return function()
      ch:try_send(1)
      ch()
    end
  end,
  ["a loop over a subscriber"] = function(rt)
    local b = rt.broadcast(4)
    local s = b:subscribe()
    return function()
      b:send(1)
      s()
    end
  end,
  ["subscriber:recv"] = function(rt)
    local b = rt.broadcast(4)
    local s = b:subscribe()
    return function()
      b:send(1)
      s:recv()
    end
  end,
  ["barrier:wait"] = function(rt)
    local b = rt.barrier(1)
    return function()
      b:wait()
    end
  end,
  ["once:get"] = function(rt)
    local once = rt.once()
    local function one()
      return 1
    end
    return function()
      once:get(one)
    end
  end,
  ["channel:send"] = function(rt)
    local ch = rt.channel(4)
    return function()
      ch:send(1)
      ch:recv()
    end
  end,
  ["channel:recv of a closed one"] = function(rt)
    local ch = rt.channel(4)
    ch:close()
    return function()
      ch:recv()
    end
  end,
  ["select"] = function(rt)
    local ch = rt.channel(4)
    return function()
      ch:try_send(1)
      rt.select(ch:recv_op(), rt.sleep_op(10))
    end
  end,
  ["select with a default"] = function(rt)
    local ch = rt.channel(4)
    return function()
      rt.select(ch:recv_op(), rt.default_op())
    end
  end,
  ["join of one that has ended"] = function(rt)
    local task = rt.spawn_local(function() end)
    task:join()
    return function()
      task:join()
    end
  end,
  ["dict"] = function(rt)
    local d = rt.dict()
    return function()
      d:incr("n")
    end
  end,
  ["stream:recv"] = function(rt)
    local listener <close> = rt.tcp.listen("127.0.0.1", 0)
    local _, port = listener:sock()
    local a = rt.tcp.connect("127.0.0.1", port)
    local b = listener:accept()
    a:write(("x"):rep(10000))
    return function()
      a:write("x")
      b:recv(1)
    end
  end,
  ["stream:read"] = function(rt)
    local listener <close> = rt.tcp.listen("127.0.0.1", 0)
    local _, port = listener:sock()
    local a = rt.tcp.connect("127.0.0.1", port)
    local b = listener:accept()
    return function()
      a:write("12345678")
      b:read(8)
    end
  end,
}
--- Returns how long a loop of such steps ran under a timeout of 0.03 s; or, without a timeout, in a
--- scope in which a task fails after that time.
local function run(make, how)
  local rt = require("rt")
  local step, started = make(rt), rt.now()
  local function forever()
    while rt.now() - started < 20 do
      step()
    end
  end
  if how == "timeout" then
    local value, why = rt.timeout(0.03, forever)
    assert(value == nil and why == "timeout", "it went on to the end")
  else
    local ok, err = pcall(rt.scope, function(scope)
      scope:spawn(function()
        rt.sleep(0.03)
        error("enough", 0)
      end)
      forever()
    end)
    assert(not ok and err == "enough", err)
  end
  return rt.now() - started
end

--- Those whose operation does not give way: it may be done where nothing can wait, or is a join.
local keeps_its_turn = {
  ["dict"] = true,
  ["join of one that has ended"] = true,
  ["once:get"] = true,
}

--- Returns whether another local task runs before so many steps are over.
local function gives_way(make)
  local rt = require("rt")
  local step, other_ran = make(rt), false
  rt.spawn_local(function()
    other_ran = true
  end)
  for _ = 1, 1000 do
    step()
    if other_ran then
      return true
    end
  end
  return false
end

describe("a loop in which nothing ever waits:", function()
  for name, make in pairs(hogs) do
    if not keeps_its_turn[name] then
      it("G16 gives way to others, " .. name, function()
        assert.is_true(gives_way(make), "in the main chunk")
        assert.is_true(rt.spawn_local(gives_way, make):join(), "in a local task")
        assert.is_true(rt.spawn(gives_way, make):join(), "in a task of the pool")
      end)
    end
  end
  for name, make in pairs(hogs) do
    for _, how in ipairs { "timeout", "scope" } do
      it(("G10, G21 %s ends %s"):format(how, name), function()
        for _, place in ipairs { "here", "spawn_local", "spawn" } do
          kit.in_time(1, function()
            if place == "here" then
              return run(make, how)
            end
            return rt[place](run, make, how):join()
          end)
        end
      end)
    end
  end
end)

describe("rt.timeout of nothing", function()
  it("G10 of two deadlines that have passed the outer one counts", function()
    for _, place in ipairs { "here", "in a coroutine", "in a task" } do
      local went_on = false
      local function inner()
        rt.timeout(0, rt.sleep, 10)
        went_on = true
      end
      local function outer()
        return rt.timeout(0, place == "in a coroutine" and coroutine.wrap(inner) or inner)
      end
      local value, why
      if place == "in a task" then
        value, why = rt.run(outer)
      else
        value, why = outer()
      end
      assert.same({ nil, "timeout", false }, { value, why, went_on }, place)
    end
  end)

  local function pair()
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    local accepting = rt.spawn_local(listener.accept, listener)
    local a = assert(rt.tcp.connect("127.0.0.1", port))
    return a, assert(accepting:join())
  end
  --- Each entry prepares an operation that can be done at once. It returns the function to call,
  --- its arguments, the first result, and `computes`: true if a Lua function runs under the timeout
  --- (a callback of the operation, or a wrapper in Lua). The timeout of nothing is over when that
  --- function starts. So if the CPU timer signal arrives while it runs, the preemption hook raises
  --- the cancel there, and rt.timeout returns nil, "timeout". An operation that is a C function
  --- alone has no instruction at which the hook could raise.
  local ready = {
    ["channel:send, with room"] = function()
      local ch = rt.channel(1)
      return ch.send, { ch, 1 }, true
    end,
    ["channel:send, with a receiver"] = function()
      local ch = rt.channel(0)
      rt.spawn_local(ch.recv, ch)
      rt.yield()
      return ch.send, { ch, 1 }, true
    end,
    ["channel:recv"] = function()
      local ch = rt.channel(1)
      ch:send(7)
      return ch.recv, { ch }, 7
    end,
    ["select over a send"] = function()
      local ch = rt.channel(1)
      return rt.select, { ch:send_op(1) }, 1
    end,
    ["barrier:wait, alone"] = function()
      local barrier = rt.barrier(1)
      return barrier.wait, { barrier }, true
    end,
    ["barrier:wait, as the last one"] = function()
      local barrier = rt.barrier(2)
      rt.spawn_local(barrier.wait, barrier)
      rt.yield()
      return barrier.wait, { barrier }, true
    end,
    ["once:get, as the first one"] = function()
      local once = rt.once()
      local function compute()
        return 5
      end
      return once.get, { once, compute }, 5, true
    end,
    ["stream:recv of what the loop has not told of yet"] = function()
      local a, b = pair()
      a:write("h") -- one byte, because recv may return a part of more
      return b.recv, { b }, "h"
    end,
    ["stream:read of what the loop has not told of yet"] = function()
      local a, b = pair()
      a:write("here\n")
      return b.read, { b }, "here"
    end,
    ["listener:accept of such a connection"] = function()
      local listener = assert(rt.tcp.listen("127.0.0.1", 0))
      local _, port = listener:sock()
      local a = assert(rt.tcp.connect("127.0.0.1", port))
      local function accept()
        listener:accept():close()
        a:close()
        listener:close()
        return "accepted"
      end
      return accept, {}, "accepted", true
    end,
    ["select over such a stream"] = function()
      local a, b = pair()
      a:write("here")
      return rt.select, { b:recv_op() }, 1
    end,
    ["mutex:with"] = function()
      local m = rt.mutex()
      local function body()
        return 6
      end
      return m.with, { m, body }, 6, true
    end,
    ["a scope without tasks"] = function()
      return rt.scope, {
        function()
          return 8
        end,
      }, 8, true
    end,
  }
  for name, prepare in pairs(ready) do
    it("G10 does not keep from what is ready: " .. name, function()
      for _, place in ipairs { "main", "task" } do
        local function try()
          local ch, ready_again = rt.channel(300), 0
          for i = 1, 300 do -- the task uses up its budget and yields now and then
            local f, arguments, expected, computes = prepare()
            for _ = 1, i do -- so that it yields at any of the operations
              ch:send(i)
            end
            for _ = 1, i do
              ch:try_recv()
            end
            local value, why = rt.timeout(0, f, table.unpack(arguments))
            if value == expected then
              ready_again = ready_again + 1
            else
              assert.same({ nil, "timeout", true }, { value, why, computes })
            end
          end
          assert.is_true(ready_again > 100)
        end
        if place == "main" then
          try()
        else
          rt.spawn_local(try):join()
        end
      end
    end)
  end

  it("a send may be done where no task can wait, too, if there is room", function()
    local ch = rt.channel(1)
    rt.spawn_local(function()
      assert.equal("done", (("x"):gsub(".", function()
        assert.is_true(ch:send(1))
        local ok, err = pcall(ch.send, ch, 2)
        assert.is_false(ok)
        assert.matches("cannot wait here: 'string.gsub'", err)
        return "done"
      end)))
    end):join()
    assert.equal(1, ch:recv())
  end)
end)
