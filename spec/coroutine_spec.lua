local kit = require("kit")
local rt = require("rt")

--- Every check runs in a task and in the main chunk.
local function both(name, f)
  it(name .. " (in a task)", function()
    rt.run(f)
  end)
  it(name .. " (in the main chunk)", f)
end

describe("waiting inside", function()
  both("a generator made by coroutine.wrap", function()
    local function generator()
      for i = 1, 4 do
        rt.sleep(0.001)
        coroutine.yield(i, i * i)
      end
      rt.yield()
      return "last"
    end
    local got = {}
    local g = coroutine.wrap(generator)
    for _ = 1, 4 do
      local a, b = g()
      got[#got + 1] = a .. ":" .. b
    end
    got[#got + 1] = g()
    assert.same({ "1:1", "2:4", "3:9", "4:16", "last" }, got)
    assert.matches("cannot resume dead coroutine", kit.refused(g))
  end)

  both("coroutines nested ten deep", function()
    local function nest(depth)
      if depth == 0 then
        for i = 1, 3 do
          rt.sleep(0.001)
          coroutine.yield(i)
        end
      else
        local inner = coroutine.wrap(nest)
        for v in inner, depth - 1 do
          rt.yield()
          coroutine.yield(v + 1)
        end
      end
    end
    local got = {}
    for v in
      coroutine.wrap(function()
        nest(10)
      end)
    do
      got[#got + 1] = v
    end
    assert.same({ 11, 12, 13 }, got)
  end)

  both("coroutine.resume, with values both ways and errors", function()
    local co = coroutine.create(function(...)
      rt.sleep(0.001)
      local n = select("#", ...)
      local a, b = coroutine.yield(n, ...)
      rt.yield()
      local ok, err = pcall(function()
        rt.sleep(0.001)
        error("inside", 0)
      end)
      coroutine.yield(a + b, ok, err)
      rt.sleep(0.001)
      error { code = 7 }
    end)
    assert.same({ true, 3, 1, nil, 3, n = 5 }, table.pack(coroutine.resume(co, 1, nil, 3)))
    assert.equal("suspended", coroutine.status(co))
    assert.same({ true, 5, false, "inside" }, { coroutine.resume(co, 2, 3) })
    local ok, err = coroutine.resume(co)
    assert.is_false(ok)
    assert.equal(7, err.code)
    assert.equal("dead", coroutine.status(co))
    assert.same({ false, "cannot resume dead coroutine" }, { coroutine.resume(co) })
  end)

  both("pcall and xpcall, with the handler's result", function()
    assert.is_true(pcall(rt.sleep, 0.001))
    local ok, err = pcall(function()
      rt.sleep(0.001)
      error("e", 0)
    end)
    assert.is_false(ok)
    assert.equal("e", err)
    ok, err = xpcall(function(...)
      rt.sleep(0.001)
      error(select("#", ...) .. "!", 0)
    end, function(m)
      return "handled " .. m
    end, 1, 2)
    assert.is_false(ok)
    assert.equal("handled 2!", err)
    assert.same(
      { true, 1, 2 },
      { xpcall(function(...)
        rt.yield()
        return ...
      end, print, 1, 2) }
    )
  end)

  both("an iterator of a generic for, and its closing value", function()
    local closed
    local sum = 0
    local function iterate(limit, i)
      rt.sleep(0.001)
      if i < limit then
        return i + 1
      end
    end
    local closer = setmetatable({}, {
      __close = function()
        rt.sleep(0.001)
        closed = true
      end,
    })
    for i in iterate, 5, 0, closer do
      sum = sum + i
      if i == 4 then
        break
      end
    end
    assert.equal(10, sum)
    assert.is_true(closed)
  end)

  both("metamethods", function()
    local mt = {}
    for _, op in ipairs {
      "add",
      "sub",
      "mul",
      "div",
      "mod",
      "pow",
      "unm",
      "idiv",
      "band",
      "bor",
      "bxor",
      "shl",
      "shr",
      "bnot",
      "concat",
    } do
      mt["__" .. op] = function()
        rt.yield()
        return op
      end
    end
    mt.__len = function()
      rt.yield()
      return 3
    end
    mt.__eq = function()
      rt.yield()
      return true
    end
    mt.__lt = function()
      rt.yield()
      return true
    end
    mt.__le = function()
      rt.yield()
      return true
    end
    mt.__index = function(_, k)
      rt.sleep(0.001)
      return k
    end
    mt.__newindex = function(t, k, v)
      rt.yield()
      rawset(t, k, v)
    end
    mt.__call = function(_, ...)
      rt.yield()
      return select("#", ...)
    end
    mt.__pairs = function(t)
      rt.yield()
      return next, t, nil
    end
    local a, b = setmetatable({}, mt), setmetatable({}, mt)
    assert.equal(
      "add sub mul div mod pow unm idiv band bor bxor shl shr bnot concat",
      table.concat({
        a + b,
        a - b,
        a * 1,
        1 / a,
        a % b,
        a ^ b,
        -a,
        a // b,
        a & b,
        a | b,
        a ~ b,
        a << b,
        a >> b,
        ~a,
        a .. b,
      }, " ")
    )
    assert.equal(3, #a)
    assert.is_true(a == b)
    assert.is_true(a < b)
    assert.is_true(a <= b)
    assert.equal("key", a.key)
    a.x = 5
    assert.equal(5, rawget(a, "x"))
    assert.equal(2, a(1, 2))
    local n = 0
    for _ in pairs(a) do
      n = n + 1
    end
    assert.equal(1, n)
  end)

  both("__close, on a normal end, on an error and on break", function()
    local log = {}
    local function guard(name)
      return setmetatable({}, {
        __close = function(_, err)
          rt.sleep(0.001)
          log[#log + 1] = name .. (err and ":" .. err or "")
        end,
      })
    end
    do
      local a <close> = guard("a")
      local b <close> = guard("b")
    end
    pcall(function()
      local c <close> = guard("c")
      rt.yield()
      error("why", 0)
    end)
    for _ = 1, 1 do
      local d <close> = guard("d")
      break
    end
    assert.same({ "b", "a", "c:why", "d" }, log)
  end)

  both("dofile", function()
    local path = kit.file(
      'local rt = require "rt" rt.sleep(0.001) return 1, rt.run(function() rt.yield() return 2 end)'
    )
    assert.same({ 1, 2 }, { dofile(path) })
  end)

  it("coroutine.wrap inside table.sort inside a task: refused, and nothing is broken", function()
    rt.run(function()
      local g = coroutine.wrap(function()
        while true do
          coroutine.yield(1)
          rt.sleep(0.001)
        end
      end)
      g()
      local ok, err = pcall(table.sort, { 3, 2, 1 }, function(a, b)
        g()
        return a < b
      end)
      assert.is_false(ok)
      assert.matches("cannot wait here", err)
      rt.sleep(0.001)
    end)
    assert.equal(
      1,
      rt.run(function()
        return 1
      end)
    )
  end)
end)

describe("at a real C boundary", function()
  local function in_task(f, ...)
    return rt.run(function(...)
      local ok, err = pcall(f, ...)
      assert(not ok)
      rt.sleep(0.001) -- the task can still wait
      return err
    end, ...)
  end

  it("G5 the error names it: table.sort", function()
    assert.matches(
      "cannot wait here: 'table.sort'",
      in_task(table.sort, { 2, 1 }, function()
        rt.sleep(1)
      end)
    )
    assert.matches(
      "cannot wait here: 'table.sort'",
      in_task(function()
        local sort = table.sort
        sort({ 2, 1 }, function()
          rt.yield()
        end)
      end)
    )
  end)

  it("G5 the error names it, however deep the Lua code above it", function()
    local function deep(n)
      if n > 0 then
        return 1 + deep(n - 1)
      end
      rt.yield()
      return 0
    end
    for _, depth in ipairs { 10, 100, 5000 } do
      assert.matches(
        "cannot wait here: 'table.sort'",
        in_task(table.sort, { 2, 1 }, function()
          deep(depth)
        end)
      )
    end
  end)

  it("G5 the error names it, and not a function of rt that calls the code in it", function()
    local mutex, dict = rt.mutex(), rt.dict()
    local ways = {
      function()
        rt.shield(rt.sleep, 1)
      end,
      function()
        rt.timeout(1, rt.sleep, 1)
      end,
      function()
        rt.critical(rt.sleep, 1)
      end,
      function()
        rt.race(rt.yield)
      end,
      function()
        rt.join(rt.yield)
      end,
      function()
        mutex:with(rt.yield)
      end,
      function()
        dict:update("key", rt.yield)
      end,
    }
    for i, way in ipairs(ways) do
      local err = in_task(string.gsub, "x", "x", way)
      assert.matches("coroutine_spec.lua:%d+: cannot wait here: 'string.gsub'", err, nil, nil, i)
    end
  end)

  it("G5 the error names it: string.gsub, load, tostring", function()
    assert.matches(
      "'string.gsub'",
      in_task(string.gsub, "abc", "b", function()
        rt.sleep(1)
      end)
    )
    assert.matches(
      "cannot wait here",
      tostring(in_task(function()
        assert(load(function()
          rt.sleep(1)
        end))
      end))
    )
    local object = setmetatable({}, {
      __tostring = function()
        rt.sleep(1)
      end,
    })
    assert.matches("'tostring'", in_task(tostring, object))
  end)

  it("in the main chunk all of these may wait", function()
    local t = { 3, 1, 2 }
    table.sort(t, function(a, b)
      rt.sleep(0.0001)
      return a < b
    end)
    assert.same({ 1, 2, 3 }, t)
    assert.equal("a<b>c", (("abc"):gsub("b", function(s)
      rt.sleep(0.001)
      return "<" .. s .. ">"
    end)))
  end)

  it("a finalizer is refused", function()
    local seen
    rt.run(function()
      setmetatable({}, {
        __gc = function()
          seen = select(2, pcall(rt.sleep, 1))
        end,
      })
      collectgarbage()
      collectgarbage()
    end)
    assert.matches("cannot wait here: a finalizer", seen)
  end)

  it("a coroutine.resume taken before rt was loaded is named", function()
    local code, out, err = kit.run(kit.program("resume_from_before_rt"))
    assert.equal("", err)
    assert.equal(0, code)
    if not kit.in_rt_lua then
      assert.matches("^false%s.*resumed by a function that rt does not know", out)
    end
  end)
end)

describe("coroutines of a waiting task", function()
  it("are normal to others, who can neither resume nor close them", function()
    local go = rt.channel()
    local inner = coroutine.create(function()
      go:recv()
      return "done"
    end)
    local base
    local task = rt.spawn_local(function()
      base = coroutine.running()
      return coroutine.resume(inner)
    end)
    rt.yield()
    for _, co in ipairs { inner, base } do
      assert.equal("normal", coroutine.status(co))
      assert.same({ false, "cannot resume non-suspended coroutine" }, { coroutine.resume(co) })
      assert.matches("cannot close a normal coroutine", kit.refused(coroutine.close, co))
    end
    go:close()
    assert.same({ true, "done" }, { task:join() })
    assert.equal("dead", coroutine.status(inner))
  end)

  it("a wrap that waits cannot be called by another task", function()
    local go = rt.channel()
    local g = coroutine.wrap(function()
      go:recv()
      return 1
    end)
    local task = rt.spawn_local(g)
    rt.yield()
    assert.matches("cannot resume non%-suspended coroutine", kit.refused(g))
    go:close()
    assert.equal(1, task:join())
  end)

  it("leave those of the main chunk alone", function()
    local go = rt.channel()
    local task = rt.spawn_local(go.recv, go)
    rt.yield() -- the last thing that happened is that a task began to wait
    local values = {}
    for value in
      coroutine.wrap(function()
        coroutine.yield(1)
        coroutine.yield(2)
      end)
    do
      values[#values + 1] = value
    end
    assert.same({ 1, 2 }, values)
    assert.equal("waiting", task:status())
    go:close()
    task:join()
  end)

  it("a generator can be handed from task to task between its values", function()
    local g = coroutine.wrap(function()
      for i = 1, 6 do
        rt.sleep(0.001)
        coroutine.yield(i)
      end
    end)
    local sum = 0
    for _ = 1, 3 do
      sum = sum + rt.run(g) + g()
    end
    assert.equal(21, sum)
  end)

  it("cancelling unwinds the innermost first", function()
    local log = {}
    local function guard(name)
      return setmetatable({}, {
        __close = function()
          log[#log + 1] = name
        end,
      })
    end
    local task = rt.spawn_local(function()
      local outer <close> = guard("outer")
      coroutine.wrap(function()
        local middle <close> = guard("middle")
        coroutine.wrap(function()
          local inner <close> = guard("inner")
          rt.sleep(60)
        end)()
      end)()
    end)
    rt.yield()
    task:cancel()
    pcall(task.join, task)
    assert.same({ "inner", "middle", "outer" }, log)
  end)
end)

describe("coroutine functions are otherwise the originals:", function()
  it("running and isyieldable", function()
    local _, main = coroutine.running()
    assert.is_true(main)
    assert.is_false(coroutine.isyieldable())
    rt.run(function()
      local co, is_main = coroutine.running()
      assert.equal("thread", type(co))
      assert.is_false(is_main)
      assert.is_false(coroutine.isyieldable()) -- a task cannot yield
      coroutine.wrap(function()
        assert.is_true(coroutine.isyieldable())
      end)()
    end)
  end)

  it("a yield in a task itself is refused, as in the main chunk", function()
    local message = rt.run(function()
      return kit.refused(coroutine.yield, 1)
    end)
    assert.matches("attempt to yield from outside a coroutine", message)
    assert.matches("attempt to yield from outside a coroutine", kit.refused(coroutine.yield))
  end)

  it("errors of wrong use", function()
    assert.matches("thread expected", kit.refused(coroutine.resume))
    assert.matches("thread expected", kit.refused(coroutine.status, {}))
    assert.matches("function expected", kit.refused(coroutine.wrap))
    assert.matches(
      "cannot close a running coroutine",
      kit.refused(coroutine.close, coroutine.running())
    )
    assert.same(
      { false, "cannot resume non-suspended coroutine" },
      { coroutine.resume(coroutine.running()) }
    )
  end)

  it("wrap adds the position to string errors, and closes what is pending", function()
    local closed
    local g = coroutine.wrap(function()
      local c <close> = setmetatable({}, {
        __close = function()
          closed = true
        end,
      })
      error("oops", 0)
    end)
    assert.matches(
      "coroutine_spec.lua:%d+: oops$",
      kit.refused(function()
        g()
      end)
    )
    assert.is_true(closed)
    local object = {}
    local _, err = pcall(coroutine.wrap(function()
      error(object)
    end))
    assert.equal(object, err)
  end)

  it("what wrap closes after an error cannot wait, and is told so", function()
    local why
    rt.run(function()
      pcall(coroutine.wrap(function()
        local guard <close> = setmetatable({}, {
          __close = function()
            why = select(2, pcall(rt.sleep, 0))
          end,
        })
        error(guard)
      end))
    end)
    assert.matches("cannot wait here: .*, a C function, called this code", why)
  end)

  it("close, with an error in __close", function()
    local co = coroutine.create(function()
      local c <close> = setmetatable({}, {
        __close = function()
          error("in close", 0)
        end,
      })
      coroutine.yield()
    end)
    coroutine.resume(co)
    assert.same({ false, "in close" }, { coroutine.close(co) })
    assert.equal("dead", coroutine.status(co))
    assert.is_true(coroutine.close(coroutine.create(print)))
  end)

  it("many values through resume and yield", function()
    local co = coroutine.wrap(function(...)
      while true do
        coroutine.yield(...)
      end
    end)
    assert.equal(200, select("#", co(table.unpack({}, 1, 200))))
  end)

  it("a yield in the main chunk has Lua's words, also within a timeout or a scope", function()
    local code, out, err = kit.run([[
      local rt = require("rt")
      local function yield() coroutine.yield() end
      print(select(2, pcall(rt.timeout, 1, yield)))
      print(select(2, pcall(rt.scope, yield)))
      print(select(2, pcall(rt.critical, yield)))
    ]])
    assert.same({ 0, ("attempt to yield from outside a coroutine\n"):rep(3) }, { code, out }, err)
  end)
end)
