--- rt.map and rt.each: a function for each item, in at most n tasks of the pool.
local kit = require("kit")
local rt = require("rt")
local spin = require("spin")

local function square(n)
  return n * n
end

--- An iterator over 1, 2, 3 … n that counts how many it has given.
local function numbers(n)
  local count = { drawn = 0 }
  return function()
    if count.drawn < n then
      count.drawn = count.drawn + 1
      return count.drawn
    end
  end,
    count
end

--- A list of 1, 2, 3 … n.
local function list_of(n)
  local list = {}
  for i = 1, n do
    list[i] = i
  end
  return list
end

--- Keeps count in a shared dict of how many run at once, and of the most.
local function gauge(seen)
  return function(n)
    local now = seen:incr("now")
    seen:update("most", function(most)
      return math.max(most or 0, now)
    end)
    rt.sleep(0.002)
    seen:incr("now", -1)
    return n
  end
end

local function waits(log)
  return function(n)
    local _ <close> = setmetatable({}, {
      __close = function()
        rt.shield(log.send, log, "cleaned up")
      end,
    })
    log:send("begun " .. n)
    rt.sleep(math.huge)
  end
end

describe("rt.map", function()
  it(
    "returns the first result of each item, in the order of the items, and their number",
    function()
      local function two(n)
        rt.sleep(n % 3 / 1000)
        return n * n, "not this"
      end
      for n = 1, 5 do
        assert.same({ n = 7, 1, 4, 9, 16, 25, 36, 49 }, rt.map(n, list_of(7), two))
        assert.same({ n = 7, 1, 4, 9, 16, 25, 36, 49 }, rt.map(n, numbers(7), two))
      end
      assert.same({ n = 0 }, rt.map(3, {}, square))
      assert.same({ n = 0 }, rt.map(3, function() end, square))
      assert.same({ n = 2, "A", "B" }, rt.map(nil, { "a", "b" }, string.upper))
      local result = rt.map(2, { 1, 2, 3 }, function(n)
        if n ~= 2 then
          return false
        end
      end)
      assert.same({ n = 3, false, nil, false }, result)
    end
  )

  it("runs f on all cores, and not in this task", function()
    local here = rt.current().id
    for _, id in
      ipairs(rt.map(4, list_of(8), function()
        return rt.current().id
      end))
    do
      assert.is_true(id ~= here)
    end
  end)

  it("of many cheap items loses none, in a list or an iterator", function()
    for _, source in ipairs { list_of(20000), (numbers(20000)) } do
      local results = rt.map(3, source, square)
      assert.equal(20000, results.n)
      for i = 1, 20000 do
        assert.equal(i * i, results[i])
      end
    end
  end)

  it("runs at most n at once", function()
    for _, source in ipairs { list_of(60), (numbers(60)) } do
      local seen = rt.dict()
      assert.equal(60, rt.map(4, source, gauge(seen)).n)
      assert.equal(4, seen:get("most"))
      assert.equal(0, seen:get("now"))
    end
  end)

  it("runs n at once when all of them wait for each other", function()
    local all = rt.barrier(12)
    local function wait()
      all:wait()
    end
    assert.equal(12, rt.map(12, list_of(12), wait).n)
    assert.equal(12, rt.map(12, numbers(12), wait).n)
  end)

  it("an iterator gives an item only when one of the n tasks can begin it", function()
    local go, begun = rt.channel(), rt.channel(100)
    local iterator, count = numbers(50)
    local mapping = rt.spawn_local(rt.map, 3, iterator, function(n)
      begun:send(n)
      go:recv()
    end)
    for ended = 0, 47 do
      begun:recv()
      if ended < 3 then
        while count.drawn < 3 do
          rt.yield()
        end
      end
      assert.is_true(count.drawn <= ended + 3)
      go:send(true)
    end
    go:close()
    assert.equal(50, mapping:join().n)
  end)

  it("an iterator may wait, give several values, and be a channel", function()
    local i = 0
    local sums = rt.map(2, function()
      rt.sleep(0.001)
      i = i + 1
      if i <= 5 then
        return i, 10 * i, nil
      end
    end, function(a, b, ...)
      return a + b + select("#", ...)
    end)
    assert.same({ n = 5, 12, 23, 34, 45, 56 }, sums)
    local ch = rt.channel(1)
    rt.spawn(function()
      for n = 1, 5 do
        ch:send(n)
      end
      ch:close()
    end)
    assert.same({ n = 5, 1, 4, 9, 16, 25 }, rt.map(2, ch, square))
    local wrapped = coroutine.wrap(function()
      for n = 1, 3 do
        coroutine.yield(n)
      end
    end)
    assert.same({ n = 3, 1, 4, 9 }, rt.map(2, wrapped, square))
  end)

  it("G21 the first error cancels the rest, and is raised as it is", function()
    for _, source in ipairs { list_of(10), (numbers(10)) } do
      local log = rt.channel(100)
      local wait = waits(log)
      local ok, err = pcall(rt.map, 3, source, function(n)
        if n == 3 then
          log:recv()
          log:recv() -- the other two have begun
          error { code = 7 }
        end
        wait(n)
      end)
      assert.is_false(ok)
      assert.equal(7, err.code)
      assert.same({ "cleaned up", "cleaned up" }, { log:try_recv(), (log:try_recv()) })
      assert.equal(0, #log)
    end
    local _, trace = xpcall(rt.map, rt.traceback, 1, { 1 }, function()
      error("here")
    end)
    assert.matches("in task %d+, spawned at [^\n]+\nstack traceback:\n.*in local 'f'", trace)
  end)

  it("an error in an item ends an iterator that waits", function()
    local never = rt.channel()
    local first = true
    local ok, err = pcall(rt.map, 2, function()
      if first then
        first = false
        return 1
      end
      return never:recv()
    end, function()
      error("of the item", 0)
    end)
    assert.same({ false, "of the item" }, { ok, err })
  end)

  it("an iterator that fails cancels the items, and its error is raised", function()
    local log = rt.channel(10)
    local given = 0
    local ok, err = pcall(rt.map, 3, function()
      given = given + 1
      if given == 3 then
        log:recv()
        log:recv()
        error("of the iterator", 0)
      end
      return given
    end, waits(log))
    assert.same({ false, "of the iterator" }, { ok, err })
    assert.same({ "cleaned up", "cleaned up" }, { log:try_recv(), (log:try_recv()) })
  end)

  it("G36 a timeout or a cancel of the caller cancels the items, and waits for them", function()
    for _, source in ipairs { list_of(10), (numbers(10)) } do
      local log = rt.channel(100)
      local caller = rt.spawn_local(function()
        return rt.timeout(0.05, rt.map, 2, source, waits(log))
      end)
      log:recv()
      log:recv()
      assert.same({ nil, "timeout" }, { caller:join() })
      assert.same({ "cleaned up", "cleaned up" }, { log:try_recv(), (log:try_recv()) })
    end
    local log = rt.channel(100)
    local caller = rt.spawn(rt.map, 2, list_of(10), waits(log))
    log:recv()
    log:recv()
    caller:cancel("enough")
    assert.equal("enough", select(2, pcall(caller.join, caller)).reason)
    assert.equal(2, #log)
    assert.same({ nil, "timeout" }, { rt.timeout(0.05, rt.map, 2, { 1, 2 }, spin.forever) })
  end)

  it("an item that is cancelled by itself ends the rest", function()
    local ok, err = pcall(rt.map, 2, list_of(4), function(n)
      if n == 2 then
        rt.current():cancel("by itself")
      end
      rt.sleep(n == 2 and 0 or math.huge)
    end)
    assert.same({ false, rt.Cancelled, "by itself" }, { ok, getmetatable(err), err.reason })
  end)

  it("copies f once for each of the n tasks, and not for each item", function()
    local copies = rt.dict()
    local big = setmetatable({}, { __name = "counted" })
    for i = 1, 1000 do
      big[i] = i
    end
    local fresh = true
    local sum = 0
    for _, n in
      ipairs(rt.map(2, list_of(500), function(i)
        if fresh then
          fresh = false
          copies:incr("n")
        end
        return big[i]
      end))
    do
      sum = sum + n
    end
    assert.equal(125250, sum)
    assert.is_true(copies:get("n") <= 2)
    assert.is_true(fresh)
  end)

  it("costs less than a task for each item, if the items of a list are cheap", function()
    local list = list_of(20000)
    kit.eventually(function()
      local began = os.clock()
      rt.map(2, list, square)
      local mapped = os.clock() - began
      began = os.clock()
      local tasks = {}
      for i, n in ipairs(list) do
        tasks[i] = rt.spawn(square, n)
      end
      for _, task in ipairs(tasks) do
        task:join()
      end
      return mapped < 0.5 * (os.clock() - began)
    end)
  end)

  it("names the item or the result that cannot be sent", function()
    local bad = coroutine.create(print)
    local here = "^spec/map_spec.lua:%d+: "
    for _, n in ipairs { 1, 5, 300 } do
      local list = list_of(n)
      list[n] = bad
      assert.matches(
        here .. "cannot send item " .. n .. " %(coroutine%) to another worker$",
        kit.refused(function()
          rt.map(2, list, math.type)
        end)
      )
      assert.matches(
        "cannot send the result of item " .. n .. " %(coroutine%) to another worker$",
        kit.refused(rt.map, 2, list_of(n), function(i)
          return i == n and coroutine.create(print) or i
        end)
      )
    end
    local drawn = kit.refused(function()
      local i = 0
      rt.map(2, function()
        i = i + 1
        return i, i == 2 and bad
      end, math.type)
    end)
    assert.matches(here .. "cannot send item 2 %(coroutine%) to another worker$", drawn)
  end)

  it("streams of a list move to the tasks that work on them", function()
    local pair = require("pair")
    local a, b = pair()
    local c, d = pair()
    rt.each(2, { a, c }, function(stream)
      stream:write("hello\n")
      stream:close()
    end)
    assert.same({ "hello", "hello" }, { b:read("l"), (d:read("l")) })
    assert.matches("moved", tostring(a))
  end)

  it("wrong arguments are refused at the line of the caller", function()
    local bad = coroutine.create(print)
    for _, name in ipairs { "map", "each" } do
      for _, case in ipairs {
        { 1, "a number of tasks from 1 to 2^31 - 1 expected, got number)", 0, {}, print },
        { 1, "a number of tasks from 1 to 2^31 - 1 expected, got number)", 1.5, {}, print },
        { 1, "a number of tasks from 1 to 2^31 - 1 expected, got string)", "1", {}, print },
        { 2, "list or iterator expected, got nil)", 2, nil, print },
        { 2, "list or iterator expected, got string)", 2, "items", print },
        { 3, "function expected, got no value)", 2, {} },
        { 3, "function expected, got table)", 2, {}, {} },
        {
          3,
          "cannot send upvalue 'bad' (coroutine) to another worker)",
          2,
          {},
          function()
            return bad
          end,
        },
      } do
        local message = kit.refused(function()
          rt[name](table.unpack(case, 3, #case == 4 and 4 or 5))
        end)
        local expected = "bad argument #" .. case[1] .. " to '" .. name .. "' (" .. case[2]
        assert.equal(expected, message:match("^spec/map_spec.lua:%d+: (.*)$"))
      end
    end
  end)

  it("with random work gives each result, and no task is left behind", function()
    kit.on_workers(kit.program("random_work"))
  end)

  it("needs little memory for a million items that an iterator gives", function()
    if kit.flavor == "asan" or kit.flavor == "tsan" then
      return pending("its memory is that of the sanitizer")
    end
    local code, out, err = kit.run(kit.program("a_million"), nil, 120)
    assert.same({ 0, "right\n" }, { code, out }, err)
  end)
end)

describe("rt.each", function()
  it("runs f for each item, and returns nothing", function()
    for _, source in ipairs { list_of(500), (numbers(500)) } do
      local seen = rt.dict()
      assert.equal(
        0,
        select(
          "#",
          rt.each(3, source, function(n)
            seen:incr("sum", n)
            return coroutine.create(print) -- is not sent
          end)
        )
      )
      assert.equal(125250, seen:get("sum"))
    end
  end)

  it("G21 raises the first error", function()
    local ok, err = pcall(rt.each, 2, { 1, 2, 3 }, function(n)
      error("item " .. n, 0)
    end)
    assert.is_false(ok)
    assert.matches("item 1", tostring(err))
  end)
end)
