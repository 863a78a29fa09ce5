--- Every way to call off a wait, with every operation that waits: it ends at once, the cleanup has
--- run, and on the other side nothing has happened.
local kit = require("kit")
local rt = require("rt")

--- What waits for ever. `prepare` makes what the waiter has, `my`, which moves to its task and comes
--- back from there, and what the other side has, `their`; `setup` makes what belongs to the state of the
--- waiter alone, `own`, and `settle` sees to it after the wait. `check` is done by the other side.
local rows = {
  sleep = { wait = [[ rt.sleep(1000) ]] },
  ["an interval"] = {
    setup = [[ local i = rt.interval(1000) i() return i ]],
    wait = [[ own() ]],
    settle = [[ assert(own.tick == 1) ]],
  },
  ["many waits, each swallowed by pcall"] = {
    prepare = [[ return { ch = rt.channel(0) } ]],
    wait = [[
      for _ = 1, 50 do pcall(rt.sleep, 1000) pcall(my.ch.recv, my.ch) end
      error(select(2, pcall(rt.sleep, 1000)), 0)
    ]],
  },

  -- tasks
  ["join of a local task"] = {
    setup = [[ return rt.spawn_local(rt.sleep, 1000) ]],
    wait = [[ own:join() ]],
    settle = [[ assert(how == "shutdown" or own:status() == "waiting") own:cancel() ]],
  },
  ["join of a task of the pool"] = {
    prepare = [[
      local go = rt.channel(0)
      return { task = partner(function() go:recv() return "its result" end) }, { go = go }
    ]],
    wait = [[ my.task:join() ]],
    check = [[ their.go:send(true) assert(my.task:join() == "its result") ]],
  },
  ["a scope"] = {
    wait = [[ rt.scope(function(s) s:spawn(rest, my.name) s:spawn_local(rest, my.name) end) ]],
    check = [[ all_children_gone(my.name) ]],
  },
  ["a race"] = {
    wait = [[ local function f() rest(my.name) end rt.race(f, rt.spawn(rest, my.name), f) ]],
    check = [[ all_children_gone(my.name) ]],
  },
  ["rt.join"] = {
    wait = [[ local function f() rest(my.name) end rt.join(f, f) ]],
    check = [[ all_children_gone(my.name) ]],
  },
  ["a timeout around a wait"] = { wait = [[ rt.timeout(1000, rt.sleep, 2000) ]] },
  ["spawn_blocking with a full queue"] = {
    prepare = [[
      local has, go, ran, n = rt.semaphore(0), rt.channel(0), rt.dict(), 0
      rt.spawn_blocking(function() has:release() go:recv() end)
      has:acquire() -- it keeps the only thread
      while rt.timeout(0, rt.spawn_blocking, function() ran:incr("queued") end) do n = n + 1 end
      return { ran = ran }, { go = go, n = n }
    ]],
    wait = [[
      local ran = my.ran
      rt.spawn_blocking(function() ran:incr("refused") end)
      if how == "shutdown" then rt.sleep(1000) end -- (the queue is emptied then)
    ]],
    check = [[
      if how ~= "shutdown" then
        their.go:send(true)
        while my.ran:get("queued") ~= their.n do rt.sleep(0.001) end
        rt.spawn_blocking(function() end):join()
        assert(my.ran:get("queued") == their.n)
      end
      assert(my.ran:get("refused") == nil)
    ]],
  },

  -- TCP
  ["recv of a stream"] = {
    prepare = [[ local a, b = pair() return { a = a }, { b = b } ]],
    wait = [[ my.a:recv() ]],
    check = [[ their.b:write("kept\n") assert(my.a:read("l") == "kept") ]],
  },
  ["read of a line"] = {
    prepare = [[ local a, b = pair() b:write("half a ") return { a = a }, { b = b } ]],
    wait = [[ my.a:read("l") ]],
    check = [[ their.b:write("line\n") assert(my.a:read("l") == "half a line") ]],
  },
  ["read inside a generator"] = {
    prepare = [[ local a, b = pair() b:write("half a ") return { a = a }, { b = b } ]],
    setup = [[
      return coroutine.wrap(function() while true do coroutine.yield(my.a:read("l")) end end)
    ]],
    wait = [[ for line in own do error(line) end ]],
    check = [[ their.b:write("line\n") assert(my.a:read("l") == "half a line") ]],
  },
  ["lines of a stream"] = {
    prepare = [[ local a, b = pair() b:write("one\nhalf a ") return { a = a }, { b = b } ]],
    setup = [[ local lines = my.a:lines() assert(lines() == "one") return lines ]],
    wait = [[ own() ]],
    check = [[ their.b:write("line\n") assert(my.a:read("l") == "half a line") ]],
  },
  ["write to a peer that does not read"] = { -- (of the last block a part may have been sent)
    prepare = [[ local a, b = pair() return { a = a, n = 0 }, { b = b } ]],
    wait = [[
      local block = ("x"):rep(100000)
      while true do rt.critical(function() my.a:write(block) my.n = my.n + 1 end) end
    ]],
    check = [[
      my.a:close()
      local n = 0
      for part in their.b:lines(10000) do n = n + #part end
      assert(my.n * 100000 <= n and n < (my.n + 1) * 100000, my.n .. " blocks, " .. n .. " bytes")
    ]],
  },
  accept = {
    prepare = [[ return { l = listener() } ]],
    wait = [[ my.l:accept() ]],
    check = [[ accepts(my.l) ]],
  },
  ["incoming connections"] = {
    prepare = [[ local l = listener() return { l = l }, { c = connect(l) } ]],
    wait = [[ for stream in my.l:incoming() do stream:close() end ]],
    check = [[ assert(their.c:recv() == nil) accepts(my.l) ]],
  },
  ["connect to a listener whose backlog is full"] = {
    prepare = [[
      local l = listener { backlog = 1 }
      local _, port = l:sock()
      return { port = port }, { l = l, first = connect(l), second = connect(l) }
    ]],
    wait = [[ rt.tcp.connect("127.0.0.1", my.port) ]],
    check = [[
      for _, c in ipairs { their.first, their.second } do same_ends(c, their.l:accept()) end
      accepts(their.l)
    ]],
  },
  ["join of a server"] = {
    setup = [[ return serve() ]],
    wait = [[ own.server:join() ]],
    settle = [[
      if how ~= "shutdown" then connect(own.server):close() end
      serves(own)
    ]],
  },
  ["close of a server, whose handler goes on"] = {
    setup = [[ return serve() ]],
    wait = [[ own.server:close(1000) ]],
    settle = [[ serves(own) ]],
  },

  -- channels
  ["recv of a channel"] = {
    prepare = [[ return { ch = rt.channel(0) } ]],
    wait = [[ my.ch:recv() ]],
    check = [[ assert(select(2, my.ch:try_send("nobody is there")) == "full") ]],
  },
  ["a loop over a channel"] = {
    prepare = [[ local ch = rt.channel(2) ch:send("taken") return { ch = ch } ]],
    wait = [[ for v in my.ch:iter() do assert(v == "taken") end ]],
    check = [[ my.ch:send("kept") assert(my.ch:try_recv() == "kept") ]],
  },
  ["recv of a channel that a task of the pool sends to later"] = {
    prepare = [[
      local ch, go = rt.channel(0), rt.channel(0)
      partner(function() go:recv() ch:send("kept") end)
      return { ch = ch }, { go = go }
    ]],
    wait = [[ my.ch:recv() ]],
    check = [[ their.go:send(true) assert(my.ch:recv() == "kept") ]],
  },
  ["send to a channel"] = {
    prepare = [[ return { ch = rt.channel(0) } ]],
    wait = [[ my.ch:send("not sent") ]],
    check = [[ assert(select(2, my.ch:try_recv()) == "empty") ]],
  },
  ["send to a channel that is full"] = {
    prepare = [[ local ch = rt.channel(1) ch:send("kept") return { ch = ch } ]],
    wait = [[ my.ch:send("not sent") ]],
    check = [[
      assert(my.ch:recv() == "kept")
      assert(select(2, my.ch:try_recv()) == "empty")
    ]],
  },

  -- locks, permits, signals
  ["lock of a mutex"] = {
    prepare = [[ local m, go = locked() return { m = m }, { go = go } ]],
    wait = [[ my.m:lock() ]],
    check = [[ is_free(my.m, their.go) ]],
  },
  ["with a mutex"] = {
    prepare = [[ local m, go = locked() return { m = m }, { go = go } ]],
    wait = [[ my.m:with(error) ]],
    check = [[ is_free(my.m, their.go) ]],
  },
  ["acquire of a semaphore"] = {
    prepare = [[ return { s = rt.semaphore(2) } ]],
    wait = [[ my.s:acquire(3) ]],
    check = [[ assert(tostring(my.s) == "rt.semaphore (2 available, 0 waiting)") ]],
  },
  ["permit of a semaphore"] = {
    prepare = [[ return { s = rt.semaphore(0) } ]],
    wait = [[ local permit <close> = my.s:permit() ]],
    check = [[ my.s:release() assert(#my.s == 1) ]],
  },
  ["with a semaphore"] = {
    prepare = [[ return { s = rt.semaphore(0) } ]],
    wait = [[ my.s:with(error) ]],
    check = [[ my.s:release() my.s:with(function() end) assert(#my.s == 1) ]],
  },
  ["wait for a notify"] = {
    prepare = [[ return { n = rt.notify() } ]],
    wait = [[ my.n:wait() ]],
    check = [[ my.n:notify_one() assert(tostring(my.n) == "rt.notify (notified)") ]],
  },
  ["wait at a barrier"] = {
    prepare = [[ return { b = rt.barrier(2) } ]],
    wait = [[ my.b:wait() ]],
    check = [[ assert(tostring(my.b) == "rt.barrier (0 of 2 waiting)") ]],
  },
  ["a once"] = {
    prepare = [[ return { once = rt.once() } ]],
    wait = [[ my.once:get(rt.sleep, 1000) ]],
    check = [[ assert(my.once:get(tostring, 1) == "1") ]],
  },
  ["a once that somebody else makes"] = {
    prepare = [[
      local once, has, go = rt.once(), rt.semaphore(0), rt.semaphore(0)
      partner(function()
        once:get(function() has:release() go:acquire() return "theirs" end)
      end)
      has:acquire()
      return { once = once }, { go = go }
    ]],
    wait = [[ my.once:get(error) ]],
    check = [[
      their.go:release()
      assert(my.once:get(tostring, "ours") == "theirs")
    ]],
  },

  -- values
  ["change of a watch"] = {
    prepare = [[ return { w = rt.watch(1) } ]],
    wait = [[ my.w:changed() ]],
    check = [[ my.w:set(2) assert(my.w:get() == 2) ]],
  },
  ["wait of a watcher"] = {
    prepare = [[ local w = rt.watch(1) return { watcher = w:subscribe() }, { w = w } ]],
    wait = [[ my.watcher:wait() ]],
    check = [[ their.w:set(2) assert(my.watcher:wait() == 2) ]],
  },
  ["recv of a subscriber"] = {
    prepare = [[ local b = rt.broadcast(1) return { s = b:subscribe() }, { b = b } ]],
    wait = [[ my.s:recv() ]],
    check = [[ their.b:send("kept") assert(my.s:recv() == "kept") ]],
  },
  ["update of a dict, whose function waits"] = {
    prepare = [[ local d = rt.dict() d:set("n", 1) return { d = d } ]],
    wait = [[ my.d:update("n", function(n) rt.sleep(1000) return n + 1 end) ]],
    check = [[ assert(my.d:update("n", function(n) return n + 10 end) == 11) ]],
  },

  -- several at once
  ["a select that receives and takes"] = {
    prepare = [[
      local m, go = locked()
      return { ch = rt.channel(0), s = rt.semaphore(0), m = m }, { go = go }
    ]],
    wait = [[
      rt.select(my.ch:recv_op(), my.s:acquire_op(), my.m:lock_op(), rt.sleep_op(1000))
    ]],
    check = [[
      assert(select(2, my.ch:try_send("nobody is there")) == "full")
      my.s:release()
      assert(#my.s == 1)
      is_free(my.m, their.go)
    ]],
  },
  ["a select that sends"] = {
    prepare = [[ return { one = rt.channel(0), other = rt.channel(0) } ]],
    wait = [[ rt.select(my.one:send_op("not sent"), my.other:send_op("not sent")) ]],
    check = [[
      for _, ch in ipairs { my.one, my.other } do assert(select(2, ch:try_recv()) == "empty") end
    ]],
  },
  ["a select of sockets"] = {
    prepare = [[ local a, b = pair() return { a = a, l = listener() }, { b = b } ]],
    wait = [[ rt.select(my.a:recv_op(), my.l:accept_op()) ]],
    check = [[
      their.b:write("kept\n")
      assert(my.a:read("l") == "kept")
      accepts(my.l)
    ]],
  },

  -- shields
  ["a wait under a shield that is over after a while"] = {
    prepare = [[ return { ch = rt.channel(0) } ]],
    wait = [[ rt.shield(0.01, my.ch.recv, my.ch) ]],
    check = [[ assert(select(2, my.ch:try_send("nobody is there")) == "full") ]],
  },
  ["not what the cleanup does under a shield"] = {
    prepare = [[
      local ask, answer = rt.channel(0), rt.channel(0)
      partner(function() answer:send(ask:recv() + 1) end)
      return { ask = ask, answer = answer }
    ]],
    wait = [[
      local _, err = pcall(rt.sleep, 1000)
      rt.shield(function()
        my.ask:send(20)
        my.got = my.answer:recv()
      end)
      error(err, 0)
    ]],
    check = [[ assert(my.got == 21) ]],
  },
}

local names = {}
for name in pairs(rows) do
  names[#names + 1] = name
end
table.sort(names)

local prelude = [[
  local how, place, workers = ...
  local rt = require "rt"
  local seen = rt.dict()
  workers = tonumber(workers)

  local function same(a, b) if a ~= b then error(("%s here, %s there"):format(a, b)) end end
  local function listener(options) return assert(rt.tcp.listen("127.0.0.1", 0, options)) end
  local function connect(l) return assert(rt.tcp.connect((l.address or l.sock)(l))) end
  local function pair() local l <close> = listener() local c = connect(l) return l:accept(), c end
  local function same_ends(c, s)
    local _, here = c:sock()
    local _, there = s:peer()
    assert(here == there, "another connection")
  end
  local function accepts(l) same_ends(connect(l), l:accept()) end
  local function echo(stream)
    rt.shield(function() for line in stream:lines("L") do stream:write(line) end end)
  end
  --- A server with a connection whose handler goes on until that is closed.
  local function serve()
    local server = assert(rt.tcp.serve("127.0.0.1", 0, echo))
    local c = assert(rt.tcp.connect(server:address()))
    c:write("first\n")
    assert(c:read("l") == "first")
    return { server = server, c = c }
  end
  local function serves(own)
    own.c:write("again\n")
    assert(own.c:read("l") == "again")
    own.c:close()
    own.server:close(1000)
  end

  --- A task of the pool that has begun, and does its part though the program ends.
  local function partner(f)
    local begun = rt.semaphore(0)
    local task = rt.spawn(rt.shield, function()
      begun:release()
      return f()
    end)
    begun:acquire()
    return task
  end
  --- A mutex that a task of the pool has, until it is told to go on.
  local function locked()
    local m, has, go = rt.mutex(), rt.semaphore(0), rt.semaphore(0)
    partner(function() m:lock() has:release() go:acquire() end)
    has:acquire()
    return m, go
  end
  local function is_free(m, go)
    go:release()
    m:lock():unlock()
    assert(tostring(m) == "rt.mutex (unlocked)")
  end

  local function guard(name)
    return setmetatable({}, { __close = function() seen:incr(name) end })
  end
  local function rest(name)
    local leaves <close> = guard(name .. ": children left")
    seen:incr(name .. ": children came")
    rt.sleep(1000)
  end
  local function all_children_gone(name)
    local came, left = seen:get(name .. ": children came"), seen:get(name .. ": children left")
    assert(came == left, ("%s children came, %s left"):format(came, left))
  end

  local rows, names = {}, {}
  local function row(name, prepare, setup, wait, settle, check)
    rows[name] = { setup = setup, wait = wait, settle = settle }
    names[#names + 1] = { name = name, prepare = prepare, check = check }
  end
]]

--- The task that waits, the task that sees to the other side, and what calls the wait off: another
--- thread, if the one that waits is a task of the pool.
local ending = [[
  --- Two tasks that are here at the same time, and cannot be switched: they are on two workers.
  local function meet(name)
    if place ~= "pool" or workers == 1 or how ~= "scope" then return end
    rt.critical(function()
      seen:incr(name .. ": met")
      while seen:get(name .. ": met") < 2 do end
    end)
  end

  local function waiter(row, my, own)
    local closes <close> = guard(my.name .. ": closed")
    row.wait(my, own)
    error("the wait ended by itself", 0)
  end

  local function body(row, my, back)
    meet(my.name)
    local own = row.setup(my)
    seen:set(my.name, "ready")
    local result, why
    if how == "timeout" then
      result, why = rt.timeout(0.01, waiter, row, my, own)
    else
      result, why = pcall(waiter, row, my, own)
    end
    rt.shield(function()
      row.settle(my, own)
      back:send(my)
    end)
    if how ~= "timeout" then error(why, 0) end
    return result, why
  end

  local spawn = place == "pool" and "spawn" or "spawn_local"

  --- How it comes back. (Tasks of one state share it: what they would be sent while a stock interpreter
  --- closes its state, Lua would never finalize.)
  local function way_back()
    if place == "pool" then return rt.channel(1) end
    return {
      send = function(self, my) self.my = my end,
      recv = function(self) return self.my end,
    }
  end

  --- (a handle knows of a task of the pool that it runs, and not what it waits for)
  local function waits(id)
    for _, info in ipairs(rt.tasks()) do
      if info.id == id then return info.state == "waiting" end
    end
    error("it has ended")
  end
  local function until_it_waits(name, task)
    while not (seen:get(name) and waits(task.id)) do rt.sleep(0.001) end
  end

  local function after(name, check, back, their)
    local my = assert(back:recv())
    assert(seen:get(name .. ": closed") == 1, "not closed once")
    check(my, their)
  end

  local ways = {}

  function ways.cancel(name, my, back)
    local task = rt[spawn](body, rows[name], my, back)
    until_it_waits(name, task)
    assert(task:cancel("called off"))
    local _, err = pcall(task.join, task)
    assert(task:status() == "cancelled" and err.reason == "called off", tostring(err))
  end

  function ways.timeout(name, my, back)
    local result, why = rt[spawn](body, rows[name], my, back):join()
    assert(result == nil and why == "timeout", tostring(why))
  end

  function ways.scope(name, my, back)
    local task
    local _, err = pcall(rt.scope, function(scope)
      local fail = rt.channel(0)
      task = scope[spawn](scope, body, rows[name], my, back)
      scope:spawn(function()
        meet(name)
        fail:recv()
        error("sibling", 0)
      end)
      until_it_waits(name, task)
      fail:send(true)
    end)
    assert(err == "sibling", tostring(err))
    assert(task:status() == "cancelled")
  end

  local function tell(name, ok, err)
    print(name .. ": " .. (ok and "ok" or tostring(err)))
  end

  --- All of them wait, and so do those who are to check; then a task of the pool ends the program.
  local function shut_down()
    local tasks = {}
    local function checker(name, task, check, back, their)
      seen:set(name .. ": checker", "ready")
      pcall(rt.sleep, 1000)
      rt.shield(function()
        local _, err = pcall(task.join, task)
        if task:status() ~= "cancelled" then return tell(name, false, err) end
        tell(name, pcall(after, name, check, back, their))
      end)
    end
    for _, each in ipairs(names) do
      local name, back = each.name, way_back()
      local my, their = each.prepare()
      my = my or {}
      my.name = name
      local task = rt[spawn](body, rows[name], my, back)
      tasks[name] = task
      until_it_waits(name, task)
      tasks[name .. ": checker"] = rt[spawn](checker, name, task, each.check, back, their)
    end
    for name, task in pairs(tasks) do until_it_waits(name, task) end
    rt.spawn(rt.shutdown, 60)
    pcall(rt.sleep, 1000)
  end

  if how == "shutdown" then return shut_down() end
  for _, each in ipairs(names) do
    tell(each.name, pcall(function()
      local back = way_back()
      local my, their = each.prepare()
      my = my or {}
      my.name = each.name
      ways[how](each.name, my, back)
      after(each.name, each.check, back, their)
    end))
  end
]]

--- One program does all the rows: `it` picks its own out of what that has said.
local function program()
  local text = { prelude }
  for _, name in ipairs(names) do
    local r = rows[name]
    text[#text + 1] = ([[
      row(%q, function() %s end, function(my) %s end, function(my, own) %s end,
        function(my, own) %s end, function(my, their) %s end)
    ]]):format(name, r.prepare or "", r.setup or "", r.wait, r.settle or "", r.check or "")
  end
  text[#text + 1] = ending
  return table.concat(text)
end

for _, place in ipairs { "local", "pool" } do
  for _, workers in ipairs { 1, 4 } do
    for _, how in ipairs { "cancel", "timeout", "scope", "shutdown" } do
      describe(("G8 in a %s task, %d workers: %s calls off"):format(place, workers, how), function()
        local code, err
        local said = {}
        setup(function()
          local out
          code, out, err = kit.shell(
            ("RT_WORKERS=%d RT_BLOCKING=1 exec env %s %s %s %s %s %d"):format(
              workers,
              kit.host_env,
              kit.quote(kit.host),
              kit.file(program()),
              how,
              place,
              workers
            )
          )
          for name, what in out:gmatch("([^\n]*): ([^\n]*)\n") do
            said[name] = what
          end
        end)
        for _, name in ipairs(names) do
          it(name, function()
            assert.equal("ok", said[name] or "nothing was said of it", err)
          end)
        end
        it("… and the program ends well", function()
          assert.same({ 0, "" }, { code, err })
        end)
      end)
    end
  end
end

--- What goes on while one of those who take part is called off, at any moment: `make` is what they
--- share, `step` is done by the one that is struck, again and again, `partner` by a task of the pool
--- until it is told to stop, and `settle` compares what they have, what is left included.
local traffic = {
  ["messages to the one that is struck"] = {
    make = [[ return { ch = rt.channel(math.random(0, 3)), sum = 0 } ]],
    step = [[ my.sum = my.sum + my.ch:recv() ]],
    partner = [[
      local sum, i = 0, 0
      repeat
        i = i + 1
        my.ch:send(i)
        sum = sum + i
      until stop:get(1)
      my.ch:close()
      return sum
    ]],
    settle = [[
      for i in my.ch:iter() do my.sum = my.sum + i end
      same(my.sum, partner:join())
    ]],
  },
  ["messages from the one that is struck"] = {
    make = [[ return { ch = rt.channel(math.random(0, 3)), sum = 0, i = 0 } ]],
    step = [[
      my.ch:send(my.i + 1)
      my.i = my.i + 1
      my.sum = my.sum + my.i
    ]],
    partner = [[
      local sum = 0
      for i in my.ch:iter() do sum = sum + i end
      return sum
    ]],
    settle = [[ my.ch:close() same(my.sum, partner:join()) ]],
  },
  ["messages both ways, by select"] = {
    make = [[
      return { a = rt.channel(0), b = rt.channel(math.random(0, 1)), got = 0, sent = 0 }
    ]],
    step = [[
      local which, i = rt.select(my.a:recv_op(), my.b:send_op(1))
      if which == 1 then my.got = my.got + i else my.sent = my.sent + 1 end
    ]],
    partner = [[
      repeat
        local which, i = rt.select(my.a:send_op(1), my.b:recv_op(), rt.sleep_op(0.001))
        if which == 1 then my.sent = my.sent + 1 elseif which == 2 then my.got = my.got + i end
      until stop:get(1)
      return my.got, my.sent
    ]],
    settle = [[
      local got, sent = partner:join()
      if my.b:try_recv() then got = got + 1 end
      same(my.got, sent)
      same(my.sent, got)
    ]],
  },
  ["lines of a connection"] = {
    make = [[ local a, b = pair() return { a = a, sum = 0 }, { b = b } ]],
    step = [[ my.sum = my.sum + my.a:read("l") ]],
    partner = [[
      local sum, i = 0, 0
      repeat
        i = i + 1
        my.b:write(i // 10) -- (half a line may be all that is there)
        my.b:write(i % 10, "\n")
        sum = sum + i
      until stop:get(1)
      my.b:close()
      return sum
    ]],
    settle = [[
      for i in my.a:lines() do my.sum = my.sum + i end
      same(my.sum, partner:join())
    ]],
  },
  ["connections"] = {
    make = [[
      local l = listener { backlog = 4000 }
      local _, port = l:sock()
      return { l = l, taken = 0 }, { port = port }
    ]],
    step = [[
      local stream <close> = my.l:accept()
      my.taken = my.taken + 1
    ]],
    partner = [[
      local n = 0
      repeat
        assert(rt.tcp.connect("127.0.0.1", my.port)):close()
        n = n + 1
      until stop:get(1)
      return n
    ]],
    settle = [[
      local n = partner:join()
      for stream in function() return (rt.timeout(0, my.l.accept, my.l)) end do
        stream:close()
        my.taken = my.taken + 1
      end
      same(my.taken, n)
    ]],
  },
  ["permits"] = {
    make = [[ return { s = rt.semaphore(3), has = 0 } ]],
    step = [[
      my.s:acquire(2)
      my.has = 2
      rt.yield()
      my.s:release(2)
      my.has = 0
    ]],
    partner = [[
      repeat
        local two <close> = my.s:permit(2)
        rt.yield()
      until stop:get(1)
    ]],
    settle = [[
      if my.has > 0 then my.s:release(my.has) end
      partner:join()
      same(#my.s, 3)
    ]],
  },
  ["turns with a lock"] = {
    make = [[ return { m = rt.mutex(0), n = 0 } ]],
    step = [[ my.m:with(function(n) my.n = my.n + 1 return n + 1 end) ]],
    partner = [[
      local mine = 0
      repeat
        my.m:with(function(n) mine = mine + 1 return n + 1 end)
      until stop:get(1)
      return mine
    ]],
    settle = [[
      local theirs = partner:join()
      same(my.m:try_lock():get(), my.n + theirs)
    ]],
  },
}

local strike = [[
  math.randomseed(tonumber(arg[4]))
  local function go_on(step, my)
    while true do rt.critical(step, my) end -- (what is done is noted, too)
  end
  local function struck(step, my, back, seconds)
    local _, why
    if how == "timeout" then
      _, why = rt.timeout(seconds, go_on, step, my)
    else
      _, why = pcall(go_on, step, my)
    end
    rt.shield(back.send, back, my)
    if how ~= "timeout" then error(why, 0) end
    return why
  end

  local function round(each)
    local my, their = each.make()
    local back, stop, seconds = rt.channel(1), rt.dict(), math.random() * 0.003
    local partner = rt.spawn(each.partner, their or my, stop)
    if how == "timeout" then
      assert(rt.spawn(struck, each.step, my, back, seconds):join() == "timeout")
    elseif how == "cancel" then
      local task = rt.spawn(struck, each.step, my, back)
      while task:status() == "queued" do rt.yield() end
      rt.sleep(seconds)
      task:cancel("struck")
      local _, err = pcall(task.join, task)
      assert(err.reason == "struck", tostring(err))
    else
      local _, err = pcall(rt.scope, function(scope)
        local task = scope:spawn(struck, each.step, my, back)
        while task:status() == "queued" do rt.yield() end
        scope:spawn(function() rt.sleep(seconds) error("sibling", 0) end)
      end)
      assert(err == "sibling", tostring(err))
    end
    my = back:recv()
    stop:set(1, true)
    each.settle(my, partner)
  end

  for _ = 1, tonumber(arg[5]) do
    for _, each in ipairs(rows) do
      local ok, err = pcall(round, each)
      if not ok then error(each.name .. ": " .. tostring(err), 0) end
    end
  end
  print("right")
]]

for _, workers in ipairs { 1, 4 } do
  for _, how in ipairs { "cancel", "timeout", "scope" } do
    it(("G8 %s, %d workers: what is sent is what is received"):format(how, workers), function()
      local text = { prelude }
      for name, r in pairs(traffic) do
        text[#text + 1] = ([[
          rows[#rows + 1] = { name = %q, make = function() %s end, step = function(my) %s end,
            partner = function(my, stop) %s end, settle = function(my, partner) %s end }
        ]]):format(name, r.make, r.step, r.partner, r.settle)
      end
      text[#text + 1] = strike
      local seed = os.getenv("RT_SEED") or math.random(1 << 30)
      local code, out, err = kit.shell(
        ("RT_WORKERS=%d exec env %s"):format(
          workers,
          kit.command(
            table.concat(text),
            ("%s pool %d %d %d"):format(how, workers, seed, kit.flavor == "" and 10 or 5)
          )
        )
      )
      assert.same({ 0, "right\n", "" }, { code, out, err }, "RT_SEED=" .. seed)
    end)
  end
end

describe("cancelling, level and order:", function()
  local rt = require("rt")

  it("G7 every checkpoint raises again, until the task ends", function()
    local count = 0
    local task = rt.spawn_local(function()
      for _ = 1, 10 do
        local ok, err = pcall(rt.sleep, 0.001)
        if not ok and err.reason == "why" then
          count = count + 1
        end
      end
      return "ended"
    end)
    rt.yield()
    task:cancel("why")
    assert.equal("ended", (task:join()))
    assert.equal("done", task:status())
    assert.equal(10, count)
  end)

  it("G9 what is given later does not go to who had only given way", function()
    for _, ways in ipairs {
      { rt.channel, 1000, "send", "recv" },
      { rt.semaphore, 0, "release", "acquire" },
    } do
      for n = 100, 140 do -- (some number of operations is too many for one turn)
        local thing = ways[1](ways[2])
        for _ = 1, n do
          thing[ways[3]](thing, 1)
        end
        local task = rt.spawn_local(function()
          for _ = 1, n + 1 do
            thing[ways[4]](thing)
          end
        end)
        rt.spawn_local(function()
          task:cancel()
          thing[ways[3]](thing, 1)
        end)
        assert.matches("cancelled", kit.refused(task.join, task))
        assert.is_true(#thing >= 1, n)
      end
    end
  end)

  it("G9 nor to a select that something else has woken", function()
    local ch = rt.channel(1)
    local other = rt.spawn_local(rt.sleep, 0.001)
    local task = rt.spawn_local(rt.select, ch:recv_op(), other:join_op())
    rt.yield()
    other:join()
    task:cancel()
    ch:send("kept")
    assert.matches("cancelled", kit.refused(task.join, task))
    assert.equal("kept", ch:try_recv())
  end)

  it("says why and who: the reason and the source", function()
    if kit.flavor == "tight" then
      return pending("it remembers only 8 lines of a program")
    end
    local function who(task, cancel)
      rt.yield()
      local line = debug.getinfo(cancel, "S").linedefined + 1
      cancel(task)
      local _, err = pcall(task.join, task)
      assert.equal("why", err.reason)
      assert.matches("cancel_spec%.lua:" .. line .. "$", err.source)
      return err
    end
    local function cancel(task)
      task:cancel("why")
    end
    who(rt.spawn_local(rt.sleep, 60), cancel)
    local err = who(rt.spawn(rt.sleep, 60), cancel)
    assert.equal(
      err.source,
      rt.spawn(function()
        return err.source
      end):join()
    )
    local child
    pcall(rt.scope, function(s)
      child = s:spawn(rt.sleep, 60)
      s:cancel("why")
    end)
    local _, of_scope = pcall(child.join, child)
    assert.equal("why", of_scope.reason)
    assert.matches("cancel_spec%.lua:%d+$", of_scope.source)
  end)

  it("an error of cleaning up is not lost, nor is what it was cancelled for", function()
    if kit.flavor == "tight" then
      return pending("it remembers only 8 lines of a program")
    end
    local function careless()
      local guard <close> = setmetatable({}, {
        __close = function()
          error("cannot clean up", 0)
        end,
      })
      rt.sleep(60)
      return guard
    end
    for _, spawn in ipairs { rt.spawn, rt.spawn_local } do
      local task = spawn(careless)
      while task:status() == "queued" do
        rt.yield()
      end
      rt.sleep(0.01)
      task:cancel("enough")
      local ok, trace = xpcall(task.join, function(err)
        assert.equal("cannot clean up", err)
        return rt.traceback(err)
      end, task)
      assert.is_false(ok)
      assert.equal("failed", task:status())
      assert.matches(
        "%(while it was unwound: cancelled by [^\n]*cancel_spec.lua:%d+: enough%)",
        trace
      )
    end
  end)

  it("says so when it is a timeout, a scope or the end", function()
    local errors = {}
    local function catch(...)
      errors[#errors + 1] = select(2, pcall(...))
    end
    rt.timeout(0.001, catch, rt.sleep, 60)
    pcall(rt.scope, function(s)
      s:spawn_local(error, "it fails")
      catch(rt.sleep, 60)
    end)
    assert.same({ "timeout", "rt.timeout" }, { errors[1].reason, errors[1].source })
    assert.same(
      { "another task of the scope has ended it", "rt.scope" },
      { errors[2].reason, errors[2].source }
    )
    local _, out =
      kit.shell(("exec env %s %s %s"):format(
        kit.host_env,
        kit.quote(kit.host),
        kit.file([[
        local rt = require "rt"
        rt.spawn_local(function()
          local _, err = pcall(rt.sleep, 60)
          print(err.reason, err.source)
        end)
        rt.yield()
      ]])
      ))
    assert.equal("the program has ended\trt\n", out)
  end)

  it("what pcall calls was called by who called pcall", function()
    if kit.flavor == "tight" then
      return pending("it remembers only 8 lines of a program")
    end
    local task = rt.spawn_local(rt.sleep, 60)
    rt.yield()
    pcall(task.cancel, task)
    local _, err = pcall(task.join, task)
    assert.matches("cancel_spec%.lua:%d+$", err.source)
  end)

  it("G7 is idempotent: the first reason counts", function()
    local task = rt.spawn_local(rt.sleep, 60)
    rt.yield()
    assert.is_true(task:cancel("first"))
    assert.is_true(task:cancel("second"))
    local _, err = pcall(task.join, task)
    assert.equal("first", err.reason)
    assert.is_true(getmetatable(err) == getmetatable(err) and tostring(err) == "cancelled: first")
  end)

  it(
    "G9 an operation that has committed returns its result, and the next checkpoint raises",
    function()
      local ch, log = rt.channel(0), {}
      local task = rt.spawn_local(function()
        log[1] = ch:recv()
        log[2] = tostring(select(2, pcall(rt.yield)))
      end)
      rt.yield()
      ch:send("value")
      task:cancel("late")
      task:join()
      assert.same({ "value", "cancelled: late" }, log)
    end
  )

  it("G9 cancel against completion has one outcome, many times, on other workers", function()
    local done, cancelled = 0, 0
    for i = 1, 500 do
      local task = rt.spawn(function()
        return i
      end)
      if i % 3 == 0 then
        rt.yield()
      end
      task:cancel()
      local ok, value = pcall(task.join, task)
      if ok then
        assert.equal(i, value)
        assert.equal("done", task:status())
        done = done + 1
      else
        assert.equal("cancelled", task:status())
        cancelled = cancelled + 1
      end
    end
    assert.equal(500, done + cancelled)
  end)

  it("G22 errors in the cleanup are the error of the task", function()
    local task = rt.spawn_local(function()
      local g <close> = setmetatable({}, {
        __close = function()
          error("in cleanup", 0)
        end,
      })
      rt.sleep(60)
    end)
    rt.yield()
    task:cancel()
    local _, err = pcall(task.join, task)
    assert.equal("in cleanup", err)
    assert.equal("failed", task:status())
  end)

  it("100k tasks in a scope are cancelled and unwound within 150 ms of processor time", function()
    local n = kit.flavor == "" and 100000 or 5000
    kit.in_time(0.15, function()
      local began
      pcall(rt.scope, function(scope)
        for _ = 1, n do
          scope:spawn_local(rt.sleep, 1000)
        end
        rt.yield()
        began = os.clock()
        error("now")
      end)
      return os.clock() - began
    end)
  end)
end)

describe("cleaning up", function()
  it("what does not wait is answered as ever, in a task that is cancelled", function()
    for _, how in ipairs { "spawn_local", "spawn" } do
      local closed, said, begun = rt.channel(1), rt.channel(1), rt.channel(1)
      closed:close()
      local task = rt[how](function()
        local rest <close> = setmetatable({}, {
          __close = function()
            local _, why = closed:try_send(1)
            local _, too = closed:try_recv()
            said:try_send(why, too)
          end,
        })
        begun:send(true)
        rt.sleep(60)
      end)
      begun:recv()
      task:cancel()
      assert.is_false((pcall(task.join, task)))
      assert.same({ "closed", "closed" }, { said:try_recv() })
    end
  end)
end)
