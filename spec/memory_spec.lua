local kit = require("kit")
local rt = require("rt")

--- RT_SPEC_FULL=1 runs the numbers of the promise; without it, a tenth or less.
local full = os.getenv("RT_SPEC_FULL") == "1"
local scale = full and 1 or 0.1 / kit.slow_flavor

--- Returns by how much the resident size grows while f runs n times, after some runs to warm up.
local function growth(n, f)
  for _ = 1, math.max(100, n // 10) do
    f()
  end
  collectgarbage()
  collectgarbage()
  local before = kit.rss()
  for _ = 1, n do
    f()
  end
  collectgarbage()
  collectgarbage()
  return kit.rss() - before
end

--- Sanitizers keep freed memory in quarantine.
local function flat(n, bytes, f)
  if kit.flavor == "asan" or kit.flavor == "tsan" then
    for _ = 1, math.max(10, n // 100) do
      f()
    end
    return
  end
  local grown = growth(math.floor(n), f)
  assert.is_true(grown < bytes, ("the resident size grew by %d bytes"):format(grown))
end

describe("memory comes back:", function()
  it("G29 tasks in sequence leave the resident size flat", function()
    flat(1e7 * scale, 512 * 1024, function()
      rt.spawn_local(function(x)
        return x
      end, 1):join()
    end)
  end)

  it("G29 tasks that wait, fail, return strings and tables, or are cancelled", function()
    local i = 0
    flat(2e5 * scale, 1024 * 1024, function()
      i = i + 1
      local kind = i % 5
      local task = rt.spawn_local(function()
        if kind == 0 then
          rt.yield()
        end
        if kind == 1 then
          error("no " .. i)
        end
        if kind == 2 then
          rt.sleep(1000)
        end
        if kind == 3 then
          return "result " .. i, {}
        end
        return { i }
      end)
      rt.yield()
      if kind == 2 then
        task:cancel("reason " .. i)
      end
      pcall(task.join, task)
    end)
  end)

  it("G29 a burst of tasks gives its memory back", function()
    if kit.flavor ~= "" then
      return pending("only without sanitizers")
    end
    local n = 50000
    local function burst()
      local tasks = {}
      for k = 1, n do
        tasks[k] = rt.spawn_local(rt.sleep, 0.01)
      end
      for k = 1, n do
        tasks[k]:join()
      end
    end
    for _ = 1, 2 do
      burst()
      collectgarbage()
      collectgarbage()
    end
    local before = kit.rss()
    for _ = 1, 5 do
      burst()
      collectgarbage()
      collectgarbage()
    end
    local grown = kit.rss() - before -- one burst needs some 65 MB
    assert.is_true(grown < 32 * 1024 * 1024, "grew by " .. grown)
  end)

  it("timeouts, intervals and coroutines that wait", function()
    flat(1e6 * scale, 512 * 1024, function()
      rt.timeout(100, function()
        return 1
      end)
      rt.interval(1)()
      coroutine.wrap(function()
        rt.yield()
      end)()
    end)
  end)

  it("connections, one after the other: memory and descriptors", function()
    local listener = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    rt.spawn_local(function()
      for stream in listener:incoming() do
        rt.spawn_local(function()
          stream:write(stream:read("l"), "\n")
          stream:close()
        end)
      end
    end)
    local before = kit.descriptors()
    flat(2e4 * scale, 1024 * 1024, function()
      local s = assert(rt.tcp.connect("127.0.0.1", port))
      s:write("hello\n")
      assert(s:read("l") == "hello")
      s:close()
    end)
    listener:close()
    rt.yield()
    assert.is_true(kit.descriptors() <= before)
  end)

  it("a served connection that waits takes 3 KB at most, in each round of connections", function()
    if kit.flavor ~= "" then
      return pending("only without sanitizers")
    end
    local n, most = 400, 3 * 1024 -- 2,460 to 2,530 bytes were measured
    local server = kit.start_script(kit.program("line_server"))
    local port = tonumber(server:line())
    rt.sleep(0.1)
    local before = kit.rss(server.pid)
    for round = 1, 6 do
      local streams = {}
      for i = 1, n do
        streams[i] = assert(rt.tcp.connect("127.0.0.1", port))
        streams[i]:write("hello\n")
        assert.equal("hello", (streams[i]:read("l")))
      end
      local each = (kit.rss(server.pid) - before) / n
      assert.is_true(each < most, ("round %d: %.0f bytes each"):format(round, each))
      for i = 1, n do
        streams[i]:close()
      end
    end
    server:stop()
  end)

  for _, spawner in ipairs { { "a task of this state", rt.spawn_local }, { "the pool", rt.spawn } } do
    it("G20 10^7 messages of " .. spawner[1], function()
      local ch = rt.channel(64)
      local sender = spawner[2](function()
        local i = 0
        while true do
          i = i + 1
          ch:send(i % 8 == 0 and { i } or i % 8 == 1 and "message " .. i or i)
        end
      end)
      flat(1e7 * scale, 1024 * 1024, function()
        assert(ch:recv())
      end)
      sender:cancel()
      pcall(sender.join, sender)
    end)
  end

  it("G29 selects that wait, whatever they choose", function()
    local m, sem, n, ch = rt.mutex(), rt.semaphore(0), rt.notify(), rt.channel(0)
    local watch, broadcast = rt.watch(0), rt.broadcast(4)
    local acts = {
      function()
        local guard = m:lock()
        rt.yield()
        guard:unlock()
      end,
      function()
        sem:release()
      end,
      function()
        n:notify_one()
      end,
      function()
        ch:try_send(1)
      end,
      function()
        watch:set(1)
      end,
      function()
        broadcast:send(1)
      end,
    }
    local i = 0
    local other = rt.spawn_local(function()
      while true do
        i = i + 1
        acts[i % #acts + 1]()
        rt.yield()
      end
    end)
    local others = {
      sem:acquire_op(),
      n:wait_op(),
      ch:recv_op(),
      watch:subscribe():recv_op(),
      broadcast:subscribe():recv_op(),
    }
    local lock = m:lock_op()
    flat(3e6 * scale, 1024 * 1024, function()
      rt.select(table.unpack(others))
      local _, guard = rt.select(lock)
      guard:unlock()
    end)
    other:cancel()
  end)

  it("an update whose function finalizes the dict leaves no value behind", function()
    local pad = ("x"):rep(20000)
    flat(400, 4 * 1024 * 1024, function()
      local dict = rt.dict()
      local _, err = pcall(dict.update, dict, "key", function()
        getmetatable(dict).__gc(dict)
        return pad
      end)
      assert.matches("it has been finalized", err)
    end)
  end)

  --- Objects that hold each other; the pad is found in the resident size if they stay.
  local cycles = {
    ["two channels"] = function(pad)
      local a, b = rt.channel(2), rt.channel(2)
      a:send { to = b, pad = pad }
      b:send { to = a }
    end,
    ["a channel in its own buffer"] = function(pad)
      local a = rt.channel(2)
      a:send(a, pad)
    end,
    ["two dicts"] = function(pad)
      local a, b = rt.dict(), rt.dict()
      a:set("to", { b, pad })
      b:set("to", { a })
    end,
    ["a dict and a mutex"] = function(pad)
      local dict = rt.dict()
      dict:set("mutex", rt.mutex { dict = dict, pad = pad })
    end,
    ["a mutex that was given itself"] = function(pad)
      local mutex = rt.mutex()
      local guard <close> = mutex:lock()
      guard:set { mutex, pad }
    end,
    ["a watch and a watcher of it"] = function(pad)
      local watch = rt.watch()
      watch:set(watch:subscribe(), pad)
    end,
    ["two broadcasts"] = function(pad)
      local a, b = rt.broadcast(2), rt.broadcast(2)
      a:send(b, pad)
      b:send(a)
    end,
    ["a ring of all kinds"] = function(pad)
      local first = rt.channel(4)
      local broadcast = rt.broadcast(4)
      broadcast:send(first, pad)
      first:send(rt.mutex(rt.watch { broadcast, broadcast:subscribe() }))
    end,
    ["a chain of twenty pairs"] = function(pad)
      local first = rt.channel(2)
      local last = first
      for i = 1, 20 do
        local after = rt.channel(2)
        last:send(after, i == 10 and pad)
        after:send(last)
        last = after
      end
    end,
    ["what a task of the pool has put together"] = function(pad)
      local a = rt.channel(2)
      rt.spawn(function()
        local b = rt.channel(2)
        b:send(a, pad)
        a:send(b)
      end):join()
    end,
    ["what a channel that is dropped holds"] = function(pad)
      local last = rt.channel(2)
      local a = rt.channel(2) -- its handle is collected first
      a:send(a, pad)
      last:send(a)
    end,
    ["what a message on its way holds"] = function(pad)
      local a, b = rt.channel(2), rt.channel(2)
      a:send(b, pad)
      b:send(a)
      local task = rt.spawn_local(function(channel)
        channel:send(a)
      end, rt.channel(0))
      rt.yield()
      task:cancel()
    end,
  }
  for name, make in pairs(cycles) do
    it("G29 objects that only hold each other are freed: " .. name, function()
      local pad, n = ("x"):rep(20000), 0
      flat(400, 4 * 1024 * 1024, function()
        make(pad)
        n = n + 1
        if n % 50 == 0 then
          collectgarbage()
        end
      end)
    end)
  end

  it("G29 objects in cycles that a task can still reach are not freed", function()
    kit.on_workers(kit.program("cycles_in_use"))
    local a, b, other = rt.channel(2), rt.channel(2), rt.channel(1)
    a:send(b)
    b:send(a, "kept")
    other:send(a)
    a, b = nil, nil
    collectgarbage()
    collectgarbage()
    assert.equal("kept", select(2, other:recv():recv():recv()))
  end)
end)
