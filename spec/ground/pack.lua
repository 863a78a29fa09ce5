--- Sends values from one state to another and back; pack.c defines the functions of `host`.
local host, only = ...
local echo, call, there, check = host.echo, host.call, host.there, host.check
local debug_build = host.debug_build

local function many(n)
  return debug_build and n // 10 or n
end

--- Runs the checks under a heading, unless the arguments name other headings.
local function section(name, f)
  if not only or only == name then
    f()
  end
end

local function same(a, b)
  return rawequal(a, b) or (a ~= a and b ~= b)
end

--- The same source as a module in both states.
local function define(name, source)
  local both = ("package.preload[%q] = load(%q, '=%s')"):format(name, source, name)
  assert(load(both))()
  there(both)
end

local function refused(sentence, expected, ...)
  local ok, err = pcall(...)
  if ok or not tostring(err):find(expected, 1, true) then
    print("# expected: " .. expected .. "\n# got: " .. tostring(err))
  end
  check(sentence, not ok and tostring(err):find(expected, 1, true))
end

--- Returns whether two graphs are equal: they are traversed at the same time. An object that is
--- sent by its name is the same object on both sides. Keys that are tables are identified by their
--- field `id`.
local function isomorphic(first, second)
  local ab, ba, todo, head = {}, {}, {}, 1
  local function meet(a, b)
    local kind = type(a)
    if kind ~= type(b) then
      return false
    elseif kind ~= "table" and kind ~= "function" then
      return same(a, b) and math.type(a) == math.type(b) and (a ~= 0 or 1 / a == 1 / b)
    elseif rawequal(a, b) then
      return true
    elseif ab[a] or ba[b] then
      return ab[a] == b and ba[b] == a
    end
    ab[a], ba[b] = b, a
    todo[#todo + 1] = a
    return true
  end
  local function same_upvalues(f, g)
    for i = 1, 255 do
      local name, x = debug.getupvalue(f, i)
      local other, y = debug.getupvalue(g, i)
      if name ~= other or not meet(x, y) then
        return false
      elseif not name then
        return true
      end
      local p, q = debug.upvalueid(f, i), debug.upvalueid(g, i)
      if x ~= _G then
        if (ab[p] or ba[q]) and (ab[p] ~= q or ba[q] ~= p) then
          return false
        end
        ab[p], ba[q] = q, p
      end
    end
    return true
  end
  local function same_items(t, u)
    local by_id, n = {}, 0
    for k in next, u do
      n = n + 1
      if type(k) == "table" and rawget(k, "id") then
        by_id[rawget(k, "id")] = k
      end
    end
    for k, v in next, t do
      n = n - 1
      local other = k
      if type(k) == "table" and rawget(u, k) == nil then
        other = by_id[rawget(k, "id")]
      end
      if other == nil or not meet(k, other) or not meet(v, rawget(u, other)) then
        return false
      end
    end
    return n == 0 and meet(debug.getmetatable(t), debug.getmetatable(u))
  end
  if not meet(first, second) then
    return false
  end
  while todo[head] do
    local a = todo[head]
    local b = ab[a]
    head = head + 1
    if type(a) == "table" then
      if not same_items(a, b) then
        return false
      end
    elseif string.dump(a) ~= string.dump(b) or not same_upvalues(a, b) then
      return false
    end
  end
  return true
end

section("scalars", function()
  local function arrives(...)
    local sent, got = table.pack(...), table.pack(echo(...))
    local ok = sent.n == got.n
    for i = 1, sent.n do
      local a, b = sent[i], got[i]
      ok = ok and same(a, b) and math.type(a) == math.type(b)
      ok = ok and (a ~= 0 or 1 / a == 1 / b)
    end
    return ok
  end
  check("nothing arrives as nothing", select("#", echo()) == 0)
  check("nil and booleans arrive, at the end too", arrives(nil, true, false, nil, nil))
  local integers = { 0, math.mininteger, math.maxinteger }
  for bits = 0, 62 do
    for d = -2, 2 do
      integers[#integers + 1] = (1 << bits) + d
      integers[#integers + 1] = -(1 << bits) + d
    end
  end
  check("integers of all sizes arrive", arrives(table.unpack(integers)))
  check(
    "floats arrive: -0.0, inf, NaN, whole ones, the smallest",
    arrives(-0.0, 0.0, 1 / 0, -1 / 0, 0 / 0, 1.0, 2.0 ^ 53, 5e-324, 1.7e308)
  )
  local strings = {}
  for _, n in ipairs { 0, 1, 2, 39, 40, 41, 62, 63, 64, 65, 127, 128, 254, 255, 256, 257, 70000 } do
    strings[#strings + 1] = ("x"):rep(n)
    strings[#strings + 1] = ("\0y"):rep(n)
    strings[#strings + 1] = ("\255"):rep(n)
  end
  check("strings of all lengths arrive, with zeros in them", arrives(table.unpack(strings)))
  check("light userdata arrives", arrives(host.pointer(0), host.pointer(12345), host.pointer(-1)))
  local values = {}
  for i = 1, 20000 do
    values[i] = i % 3 == 0 and i or i % 3 == 1 and tostring(i) or i / 2
  end
  check("20,000 values arrive", arrives(table.unpack(values)))
  local long = ("0123456789"):rep(debug_build and 1000000 or 10000000)
  check("a string of 100 MB arrives", arrives(long))
end)

section("tables", function()
  local t = echo {
    [1] = "integer",
    ["1"] = "string",
    [1.5] = "float",
    [true] = "boolean",
    [2 ^ 53] = "whole float",
    [-1] = "negative",
    [0] = "zero",
    [math.mininteger] = "least",
    [host.pointer(5)] = "pointer",
  }
  check(
    "keys keep their kinds",
    t[1] == "integer"
      and t["1"] == "string"
      and t[1.5] == "float"
      and t[true] == "boolean"
      and t[2 ^ 53] == "whole float"
      and t[-1] == "negative"
      and t[0] == "zero"
      and t[math.mininteger] == "least"
      and t[host.pointer(5)] == "pointer"
  )
  local holes = { 1, 2, nil, 4, nil, nil, 7, n = 7 }
  check("tables with holes arrive", isomorphic(holes, echo(holes)))
  check("an empty table arrives", isomorphic({}, echo {}))
  local shared = { id = 1 }
  local a, b = { shared }, { shared, [shared] = shared }
  local c, d, e = echo(a, b, shared)
  check("shared tables stay shared, between values too", c[1] == e and d[1] == e and d[e] == e)
  local cycle = {}
  cycle[1], cycle.x, cycle[cycle] = cycle, { cycle }, cycle
  local back = echo(cycle)
  check(
    "cycles arrive, through keys too",
    back ~= cycle and back[1] == back and back.x[1] == back and back[back] == back
  )
  local big, mixed = {}, {}
  for i = 1, 100000 do
    big[i] = i * 3
    mixed["key" .. i] = i
  end
  check("100,000 items arrive", isomorphic(big, echo(big)))
  check("100,000 fields arrive", isomorphic(mixed, echo(mixed)))
  local tables = {}
  for i = 1, 100000 do
    tables[i] = { i, tables[i - 1] }
  end
  check("100,000 tables arrive", isomorphic(tables, echo(tables)))
  local function depth_of(x)
    local n = 0
    while x do
      x, n = x[1] or x.next, n + 1
    end
    return n
  end
  -- (a recursion in C would need more than the stack of a thread; the sanitizers make it slow)
  for _, n in ipairs { 10000, debug_build and 200000 or 1000000 } do
    local list, fields = {}, {}
    for _ = 2, n do
      list, fields = { list }, { next = fields }
    end
    check(("a depth of %d is no depth"):format(n), depth_of(echo(list)) == n)
    check(("... by fields: %d"):format(n), depth_of(echo(fields)) == n)
  end
end)

section("metatables", function()
  define("shape", "local S = {} S.__index = S; S.Round = {__name = 'Round'}; return S")
  local shape = require("shape")
  local s = setmetatable({ size = 3 }, shape)
  check("a metatable that a module holds goes by name", call(function(x)
    return getmetatable(x) == require("shape") and x.size
  end, s) == 3 and getmetatable(echo(s)) == shape)
  local round = setmetatable({}, shape.Round)
  check("... or a field of a module", getmetatable(echo(round)) == shape.Round and call(function(x)
    return getmetatable(x) == package.loaded.shape.Round
  end, round))
  local class = { __name = "class" }
  class.__index = class
  function class.double(x)
    return x[1] * 2
  end
  local one, two = setmetatable({ 21 }, class), setmetatable({ 4 }, class)
  local p, q = echo(one, { two })
  check(
    "any other is copied, once for a packet",
    getmetatable(p) ~= class
      and getmetatable(p) == getmetatable(q[1])
      and getmetatable(p).__index == getmetatable(p)
      and p:double() == 42
  )
  local loud = setmetatable({ 1, 2, x = 3 }, {
    __index = error,
    __newindex = error,
    __pairs = error,
    __len = error,
    __eq = error,
    __metatable = "locked",
    __gc = nil,
  })
  local quiet = echo(loud)
  check(
    "no metamethod is called on the way",
    rawget(quiet, 2) == 2 and rawget(quiet, "x") == 3 and getmetatable(quiet) == "locked"
  )
  local meta = setmetatable({}, { __index = { deep = true } })
  meta.__index = meta
  check("metatables may have metatables", echo(setmetatable({}, meta)).deep)
  local own = {}
  setmetatable(own, own)
  local back = echo(own)
  check("a table may be its own metatable", getmetatable(back) == back)
  check(
    "the globals may be a metatable",
    call(function(x)
      return getmetatable(x) == _G
    end, setmetatable({}, _G))
  )
  local weak = echo(setmetatable({ [{}] = 1, x = {} }, { __mode = "kv" }))
  check("a weak table is weak there", (collectgarbage() or true) and next(weak) == nil)
  there("finalized = 0")
  call(
    function(x)
      return x[1]
    end,
    setmetatable({ 1 }, {
      __gc = function(x)
        finalized = finalized + x[1]
      end,
    })
  )
  check("a finalizer runs there, once", there("collectgarbage() return finalized") == 1)
  local chain = {}
  for _ = 1, 100000 do
    chain = setmetatable({}, { __index = chain })
  end
  local n, x = 0, echo(chain)
  while getmetatable(x) do
    x, n = getmetatable(x).__index, n + 1
  end
  check("a chain of 100,000 metatables arrives", n == 100000)
end)

section("functions", function()
  check("a function without upvalues arrives", call(function(...)
    return select("#", ...)
  end, 1, nil, nil) == 3)
  there("mark = 'theirs'")
  mark = "ours"
  check("globals are those of the other side", call(function()
    return mark, _G == _ENV, _ENV.mark, _G
  end) == "theirs")
  check(
    "the globals themselves stay what they are, both ways",
    echo(_G) == _G and echo({ _G })[1] == _G
  )
  local n = 10
  local function add(a)
    n = n + a
    return n
  end
  check("upvalues are copied as they are at the call", call(add, 5) == 15 and n == 10)
  check("... again at the next", call(add, 5) == 15)
  local function fib(i)
    return i < 2 and i or fib(i - 1) + fib(i - 2)
  end
  check("a function may be its own upvalue", call(fib, 15) == 610)
  local even, odd
  function even(i)
    return i == 0 or odd(i - 1)
  end
  function odd(i)
    return i ~= 0 and even(i - 1)
  end
  check("functions may be each other's", call(even, 10) and not call(odd, 10))
  local count = 0
  local function up()
    count = count + 1
  end
  local function get()
    return count
  end
  check("upvalues that functions share they share there", call(function(inc, read)
    inc()
    inc()
    return read()
  end, up, get) == 2 and count == 0)
  local object = { up = up, get = get, nested = { up } }
  local back = echo(object)
  back.up()
  back.nested[1]()
  check("... in tables, too, and back", back.get() == 2 and back.up == back.nested[1])
  local x, y, z = 1, 2, 3
  local function xyz()
    return x, y, z
  end
  local function zyx(v)
    z, y, x = v, v, v
  end
  local f, g = echo(xyz, zyx)
  g(9)
  local i, j, k = f()
  check("... in any order", i == 9 and j == 9 and k == 9)
  local function aliased()
    return x, y
  end
  debug.upvaluejoin(aliased, 2, aliased, 1)
  local h = echo(aliased)
  debug.setupvalue(h, 1, "one")
  check("two upvalues of a function may be one", select(2, h()) == "one")
  local G = _G
  local function set_global(v)
    G = v
  end
  local function get_global()
    return G
  end
  local set, read = echo(set_global, get_global)
  set(5)
  check("a variable that happens to be the globals is shared like others", read() == 5)
  check("... and is not remembered", select(2, echo(set_global, get_global))() == _G)
  for _, size in ipairs { 0, 1, 2, 60, 254, 255 } do
    local source = { "local t = {}" }
    for v = 1, math.min(size, 190) do
      source[#source + 1] = ("local v%d = %d"):format(v, v)
    end
    source[#source + 1] = "return (function()"
    for v = 191, size do
      source[#source + 1] = ("local v%d = %d"):format(v, v)
    end
    source[#source + 1] = "return function() return 0"
    for v = 1, size do
      source[#source + 1] = ("+ v%d"):format(v)
    end
    source[#source + 1] = "end end)()"
    local sum = assert(load(table.concat(source, " ")))()
    check(("%d upvalues arrive"):format(size), call(sum) == size * (size + 1) // 2)
  end
  local stripped = load(string.dump(function(a)
    return a and x or tostring(n)
  end, true))
  debug.setupvalue(stripped, 1, "upvalue")
  check("a function without names arrives", call(stripped, true) == "upvalue")
  local chunk = load("local a = ... ; return a, tostring(a)", "=chunk")
  check("a chunk arrives", select(2, call(chunk, 12)) == "12")
  local _, err = pcall(call, load("local x = nil\nreturn x.y", "@file.lua"))
  check("it knows its lines there", err:find("file.lua:2:.*local 'x'"))
  there("answer = 'of the globals'")
  local boxed, extra = load("return answer", "=boxed", "t", { answer = 42 }), 1
  local function both()
    local _ENV = { answer = 43 }
    return function()
      return answer, extra
    end
  end
  check("an _ENV of its own goes along", call(boxed) == 42 and call(both()) == 43)
  local function layered(x)
    local _ENV = setmetatable({ own = x }, { __index = _G })
    return function(set)
      if set then
        _ENV.own = set
      end
      return _ENV.own, answer
    end, function()
      return _ENV.own
    end
  end
  local f, g = layered(1)
  local own, global = call(f)
  check("... and leads to the globals there", own == 1 and global == "of the globals")
  check("... and is shared by the functions of a packet", call(function()
    return f(2) == 2 and g() == 2
  end) and g() == 1)
  there("answer = nil")
  local closed = load("return t", "=closed", "t", { t = { coroutine.create(print) } })
  local _, why = pcall(call, closed)
  check("... what cannot go is named", why:find("upvalue '_ENV' .t[1] (coroutine)", 1, true))
  local function replaces(v)
    _ENV = { v = v, answer = v }
    return answer
  end
  check(
    "an _ENV that a function sets is its own",
    call(replaces, 1) == 1 and call(replaces, 2) == 2
  )
  local same_code = {}
  for v = 1, 10 do
    same_code[v] = function()
      return v
    end
  end
  local sum = 0
  for v, fn in ipairs(echo(same_code)) do
    sum = sum + (fn() == v and 1 or 0)
  end
  check("closures of one function keep their own upvalues", sum == 10)
  local again = echo { fib, fib, { fib } }
  check(
    "a function is one and the same in a packet",
    again[1] == again[2] and again[3][1] == again[1]
  )
  local nested = call(function(...)
    local args = table.pack(...)
    return function()
      return function()
        return table.unpack(args, 1, args.n)
      end
    end
  end, 1, nil, 3)
  local function new()
    return function(t)
      return t == nil
    end
  end
  local p, q = new(), new()
  local set = { [p] = "p", [q] = "q" }
  p, q, set = echo(p, q, set)
  check("two functions of the same source stay two", p ~= q and set[p] == "p" and set[q] == "q")
  check("functions that functions made come back", select("#", nested()()) == 3)
  local function plain()
    return answer
  end
  check("a plain function arrives", call(plain) == nil)
  there("answer = 1")
  call(function(p)
    debug.setupvalue(p, 1, { answer = 2 })
  end, plain)
  check("nobody else gets an _ENV that somebody gave it there", call(plain) == 1)
  local chain
  for _ = 1, 100000 do
    local inner = chain
    chain = function()
      return inner
    end
  end
  local depth, last = 0, echo(chain)
  while last do
    last, depth = last(), depth + 1
  end
  check("a chain of 100,000 functions arrives", depth == 100000)
  local all = 0
  for v = 1, 2000 do
    local fn = load(("return %d + (...)"):format(v))
    all = all + (call(fn, 1) == v + 1 and 1 or 0)
  end
  check("2,000 different functions arrive, more than are remembered", all == 2000)
end)

section("names", function()
  local modules =
    { "string", "table", "math", "io", "os", "coroutine", "utf8", "debug", "package", "rt.core" }
  local ok = true
  for _, name in ipairs(modules) do
    local module = require(name)
    ok = ok and echo(module) == module
    for k, v in pairs(module) do
      if type(v) == "function" or type(v) == "table" and v ~= _G then
        ok = ok and echo(v) == v
      end
    end
  end
  for _, v in pairs(_G) do
    if type(v) == "function" then
      ok = ok and echo(v) == v
    end
  end
  check("modules, and what they hold, come back as themselves", ok)
  check("... standard files, too", echo(io.stdout) == io.stdout)
  check(
    "they are those of the other side",
    call(function(s, f, sleep)
      return s == string and f == string.format and sleep == package.loaded["rt.core"].sleep
    end, string, string.format, require("rt.core").sleep)
  )
  define(
    "counter",
    "loads = (loads or 0) + 1; local n = 0; return {up = function() n = n + 1 return n end}"
  )
  local counter = require("counter")
  counter.up()
  check("a module is required there, once", call(function(c, up)
    return c.up() == 1 and up() == 2 and loads
  end, counter, counter.up) == 1)
  check("... and not copied", counter.up() == 2)
  define("late", "return function() return 'late' end")
  local late = require("late")
  check("a module may be a function; one that was loaded late goes by name, too", call(function(f)
    return f == package.loaded.late and f()
  end, late) == "late")
  define("late", "return {new = true}")
  package.loaded.late, package.loaded.late2 = nil, nil
  late = require("late")
  there("package.loaded.late = nil")
  check(
    "... and one that replaced another",
    call(function(m)
      return m == package.loaded.late and m.new
    end, late)
  )
  package.preload.here = load("return {}")
  refused(
    "a module that is not there is an error there",
    "module 'here' not found",
    echo,
    require("here")
  )
  refused("... which names the function, too", "module 'shapeless' has no 'f' here", function()
    define("shapeless", "return {}")
    local m = require("shapeless")
    m.f = function() end
    echo(m)
    echo(m.f)
  end)
  define("a.long.name", "return {short = {}}")
  define("b", "return {s = package.loaded['a.long.name'].short}")
  local long = require("a.long.name")
  there("require 'a.long.name'")
  require("b")
  check(
    "of several names it is the shortest",
    call(function(t)
      return package.loaded.b ~= nil and t == package.loaded.b.s
    end, long.short)
  )
  config = { 1, 2, 3 }
  there("config = {'theirs'}")
  check("a global table is copied", echo(config) ~= config and echo(config)[3] == 3)
  function config_of()
    return config[1]
  end
  there("function config_of() return 'not this one' end")
  check(
    "a global function of Lua is copied, and sees the globals there",
    call(config_of) == "theirs"
  )
  there("package.loaded.gone = nil")
  local old = require("shapeless")
  package.loaded.shapeless = nil
  check("what no module holds any more is copied", type(echo(old)) == "table" and echo(old) ~= old)
end)

section("refusals", function()
  local file = io.tmpfile()
  local co = coroutine.create(print)
  refused("a coroutine stays", "cannot send value 1 (coroutine) to another worker", echo, co)
  refused("a file stays", "cannot send value 2 (userdata FILE*) to another worker", echo, 1, file)
  refused(
    "a C function that has no name stays",
    "cannot send value 1 (C function that no module holds) to another worker",
    echo,
    string.gmatch("x", "x")
  )
  local log = { file = file, [1] = { x = { false, false, co } } }
  refused(
    "the way is named: of an upvalue",
    "cannot send upvalue 'log' .file (userdata FILE*) to another worker",
    call,
    function()
      return log.file
    end
  )
  log.file = nil
  refused(
    "... of an argument",
    "cannot send argument 1 [1].x[3] (coroutine) to another worker",
    call,
    print,
    log
  )
  refused(
    "... through functions",
    "cannot send argument 2 .f upvalue 'log' [1].x[3] (coroutine) to another worker",
    call,
    print,
    1,
    {
      f = function()
        return log
      end,
    }
  )
  refused(
    "... of the function itself",
    "cannot send the function (C function that no module holds) to another worker",
    call,
    coroutine.wrap(print)
  )
  refused(
    "... of a result",
    "cannot send result 2 .co (coroutine) to another worker",
    call,
    function()
      return 1, { co = coroutine.create(print) }
    end
  )
  refused(
    "... of a key",
    "cannot send value 1 .x[a key] (coroutine) to another worker",
    echo,
    { x = { [co] = 1 } }
  )
  refused(
    "... of strange keys",
    [[cannot send value 1 ["a b"]["\0\10"][1.5][true] (coroutine) to another worker]],
    echo,
    { ["a b"] = { ["\0\n"] = { [1.5] = { [true] = co } } } }
  )
  refused(
    "... in a metatable",
    "cannot send value 1 .x(metatable).__index (coroutine) to another worker",
    echo,
    { x = setmetatable({}, { __index = co }) }
  )
  local deep = co
  for _ = 1, 100000 do
    deep = { n = deep }
  end
  refused(
    "... of which the end counts when it is long",
    "cannot send value 1 ... .n.n.n.n.n.n.n.n.n.n.n.n (coroutine) to another worker",
    echo,
    deep
  )
  local wide = {}
  for i = 1, 100 do
    wide[i] = { i, {} }
  end
  wide[77][2].co = co
  refused("... in a wide table", "value 1 [77][2].co (coroutine)", echo, wide)
  local ok, err = pcall(function()
    echo(co)
  end)
  check("the line is the caller's", not ok and err:find("^spec/ground/pack.lua:%d+: cannot send"))
  refused(
    "a task of spawn_local stays",
    "cannot send value 1 (a task of spawn_local) to another worker",
    echo,
    require("rt.core").spawn_local(function() end)
  )
  check("after all that, others still go", isomorphic(wide[1], echo(wide[1])))
end)

section("errors", function()
  local rt = require("rt.core")
  local t = rt.spawn_local(rt.sleep, 60)
  rt.sleep(0)
  t:cancel { "why", 1 }
  local _, cancelled = pcall(t.join, t)
  check("(it was cancelled)", getmetatable(cancelled) == rt.Cancelled)
  local got = echo { cancelled, cancelled }
  check(
    "the error of a cancelled task arrives, with its reason",
    getmetatable(got[1]) == rt.Cancelled and got[1].reason[1] == "why" and got[1] == got[2]
  )
  t = rt.spawn_local(rt.sleep, 60)
  rt.sleep(0)
  t:cancel { coroutine.create(print) }
  _, cancelled = pcall(t.join, t)
  check("... if that can", not pcall(echo, cancelled))
end)

section("streams", function()
  local rt = require("rt.core")
  local function pair()
    local listener = assert(rt.tcp.listen("127.0.0.1", 0))
    local _, port = listener:sock()
    local client = assert(rt.tcp.connect("127.0.0.1", port))
    return client, assert(listener:accept()), listener
  end
  local client, server, listener = pair()
  client:write("hello\nworld\nand more")
  check("a stream has bytes of its own", server:read("l") == "hello")
  check(
    "a stream moves, with what had arrived",
    there("S = ... return S:read('l')", server) == "world"
  )
  check("... and what had not", there("return S:read(8)") == "and more")
  refused(
    "its object cannot be used any more",
    "attempt to use a stream that was moved to another task",
    server.recv,
    server
  )
  refused(
    "... nor sent",
    "cannot send value 1 .s (a stream that was moved to another task) to another worker",
    echo,
    { s = server }
  )
  check(
    "it says so; closing it does no harm",
    tostring(server) == "rt.stream (moved)"
      and server:close() == nil
      and tostring(server) == "rt.stream (moved)"
  )
  server = nil
  collectgarbage()
  check(
    "... nor does collecting it",
    there("S:write('still here') return tostring(S)"):find("127.0.0.1")
  )
  check("the other end has noticed nothing", client:read(10) == "still here")
  local back, list = there("return S, {S, s = S}")
  check("it comes back, once", back == list[1] and back == list.s and back:write("x") == back)
  check("... and is moved there", there("return tostring(S)") == "rt.stream (moved)")
  client:read(1)
  refused(
    "when something else cannot go, nothing has moved",
    "cannot send value 2 .co (coroutine) to another worker",
    echo,
    back,
    { co = coroutine.create(print) }
  )
  check("... so that it can be used", back:write("yes") == back and client:read(3) == "yes")
  local reader = rt.spawn_local(back.recv, back)
  rt.sleep(0.01)
  refused(
    "a stream that a task reads from stays",
    "cannot send value 1 (a stream that a task is reading from) to another worker",
    echo,
    back
  )
  client:write("z")
  check("... and the task goes on", reader:join() == "z")
  local writer = rt.spawn_local(back.write, back, ("x"):rep(20000000))
  rt.sleep(0.01)
  refused(
    "a stream that a task writes to stays",
    "cannot send value 1 (a stream that a task is writing to) to another worker",
    echo,
    back
  )
  writer:cancel()
  pcall(writer.join, writer)
  back:close()
  refused(
    "a closed stream stays",
    "cannot send value 1 (a closed stream) to another worker",
    echo,
    back
  )
  local accepting = rt.spawn_local(listener.accept, listener)
  rt.sleep(0.01)
  refused(
    "a listener that a task accepts from stays",
    "cannot send value 1 (a listener that a task is accepting from) to another worker",
    echo,
    listener
  )
  accepting:cancel()
  pcall(accepting.join, accepting)
  local _, port = listener:sock()
  local early = assert(rt.tcp.connect("127.0.0.1", port))
  check("a listener moves", there("L = ... return tostring(L)", listener):find("127.0.0.1"))
  check(
    "... with those who wait in it",
    there("S = L:accept() return S:write('hi') == S") and early:read(2) == "hi"
  )
  refused(
    "its object cannot be used any more",
    "attempt to use a listener that was moved to another task",
    listener.accept,
    listener
  )
  refused(
    "... in a loop, too",
    "attempt to use a listener that was moved to another task",
    function()
      for _ in listener:incoming() do
        error("a stream")
      end
    end
  )
  check("it says so", tostring(listener) == "rt.listener (moved)" and listener:close() == nil)
  check("an end there is one here", there("S:close() L:close()") == nil and early:recv() == nil)
  early:close()
  client, server = pair()
  check(
    "a stream that a finalizer closes on the way arrives closed",
    host.closes_early(server) == "rt.stream (closed)" and tostring(server) == "rt.stream (closed)"
  )
  check("... and is closed once", client:recv() == nil and client:close() == nil)
  client, server = pair()
  local ok = pcall(there, "error('refused')", server)
  there("collectgarbage() collectgarbage()")
  check("a stream that nobody keeps there is closed", not ok and client:recv() == nil)
  -- messages that cannot be unpacked: the module does not exist
  package.loaded.nowhere = {}
  client, server = pair()
  ok = pcall(echo, package.loaded.nowhere, server)
  there("collectgarbage() collectgarbage()")
  check("... and one that was not taken out of its packet", not ok and client:recv() == nil)
  client, server = pair()
  ok = pcall(echo, server, package.loaded.nowhere)
  there("collectgarbage() collectgarbage()")
  check("... and one that was, in vain", not ok and client:recv() == nil)
  package.loaded.nowhere = nil
  client, server = pair()
  local n = 0
  for _ = 1, 100 do
    server = echo(server)
    client:write("ping")
    n = n + (server:read(4) == "ping" and 1 or 0)
  end
  check("a stream goes there and back 100 times", n == 100)
end)

section("finalizers", function()
  -- garbage whose finalizers send and receive, while other values are being sent
  local count, wrong = 0, 0
  local function make()
    setmetatable({}, {
      __gc = function()
        local r, s = echo({ 1, { 2, print }, x = "y" }, print)
        wrong = wrong + ((r[2][1] == 2 and r.x == "y" and s == print) and 0 or 1)
        count = count + 1
        pcall(echo, { coroutine.create(print) })
      end,
    })
  end
  local graph = {}
  for i = 1, 300 do
    graph[i] = {
      i,
      graph[i - 1],
      function()
        return i, graph
      end,
    }
  end
  collectgarbage("incremental", 100, 400, 4)
  local ok = true
  for i = 1, many(200) do
    for _ = 1, 10 do
      make()
    end
    graph[#graph + 1] = load("return " .. i)
    local back = echo(graph)
    ok = ok and #back == #graph and back[300][2] == back[299] and select(2, back[7][3]()) == back
  end
  collectgarbage("incremental", 200, 100, 13)
  collectgarbage()
  check(
    "a finalizer may send something while something is being sent",
    ok and wrong == 0 and count > 0
  )
end)

section("threads", function()
  local rt = require("rt.core")
  local n = 0
  local function counter()
    n = n + 1
    return n
  end
  local listener = assert(rt.tcp.listen("127.0.0.1", 0))
  local list, f, g, l = host.far(many(20000), { 1, { 2 } }, counter, function()
    return 7
  end, listener)
  check(
    "values go to another thread and back",
    list[2][1] == 2 and f() == 1 and n == 0 and g() == 7
  )
  check("... and listeners", tostring(l):find("127.0.0.1") and tostring(listener):find("moved"))
  l:close()
end)

section("damage", function()
  local n, shared = 1, { "shared", id = 0 }
  local function own()
    return n, shared
  end
  local function other()
    n = n + 1
    return other
  end
  local graphs = {
    { 1, -1, 300, 1 << 40, 1.5, "x", ("y"):rep(100), ("z"):rep(300), true, nil },
    { { 1, 2, 3, { x = shared, [shared] = 1.5, [2.5] = shared } }, shared },
    { own, other, print, { print, string } },
    { setmetatable({ 1 }, { __index = shared, __name = "n" }), setmetatable({}, string), _G },
    { { {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, { own, host.pointer(3) } } },
  }
  local refused_all, taken_all, bytes = 0, 0, 0
  for i = 1, #graphs do
    local r, t, b = host.maim(table.unpack(graphs[i], 1, 10))
    refused_all, taken_all, bytes = refused_all + r, taken_all + t, bytes + b
  end
  print(("# %d bytes: %d refused, %d taken"):format(bytes, refused_all, taken_all))
  check("a damaged packet is refused, or is other values", refused_all + taken_all == bytes * 13)
  check("... and all is well after that", isomorphic(graphs, echo(graphs)))
end)

section("memory", function()
  if not debug_build then
    return -- allocations fail in debug builds only
  end
  local rt = require("rt.core")
  local n = 0
  local function count()
    n = n + 1
  end
  local function total()
    return n
  end
  local class = { __name = "class" }
  class.__index = class
  local wide = {}
  for i = 1, 200 do
    wide[i] = { i, "string " .. i, next = wide[i - 1] }
  end
  local makers = {
    function()
      return 1, "x", nil, 2.5
    end,
    function()
      return wide
    end,
    function()
      return count, total, { count, total }
    end,
    function()
      return setmetatable({ setmetatable({}, class) }, class), string.format, io, _G
    end,
    function()
      return ("x"):rep(100000), { ("y"):rep(1000) }
    end,
    function() -- functions, some of which are new
      return load("local a, b = 1, 2; return function() return a, b end")(), load("return ...")
    end,
  }
  for _, maker in ipairs(makers) do
    host.sweep(1, maker)
  end
  local before, errors, absorbed = host.blocks(), 0, 0
  for _, width in ipairs { 1, 2, 1000000 } do
    for _, maker in ipairs(makers) do
      local e, a = host.sweep(width, maker)
      errors, absorbed = errors + e, absorbed + a
    end
  end
  print(("# %d errors, %d absorbed"):format(errors, absorbed))
  check("without memory there is an error that says so", errors > 0)
  print(("# %d blocks more"):format(host.blocks() - before))
  check("... nothing is lost", host.blocks() - before < 30)
  check("... and others still go", isomorphic({ wide }, echo { wide }))
  local listener = assert(rt.tcp.listen("127.0.0.1", 0))
  local _, port = listener:sock()
  local open, server, client, whole = host.descriptors(), nil, nil, 0
  local function connect()
    if server and tostring(server) ~= "rt.stream (moved)" then
      client:write("two")
      whole = whole + (server:read("l") == "one" and server:read(3) == "two" and 1 or 0)
      errors = errors + 1
      server:close()
    end
    if client then
      client:close()
    end
    client = assert(rt.tcp.connect("127.0.0.1", port))
    server = assert(listener:accept())
    client:write("0\none\n")
    server:read("l")
    return server, { server, 1 }
  end
  errors = 0
  for _, width in ipairs { 1, 2, 1000000 } do
    host.sweep(width, connect)
  end
  client:close()
  server:close()
  host.blocks()
  check("a stream that could not go is as it was", whole == errors and whole > 0)
  check("... no descriptor is left open", host.descriptors() == open)
  listener:close()
end)

--- Random graphs: tables, functions that share upvalues, metatables, objects that have a name.
local function make_graph(most)
  local below = host.below
  local n = below(most) + 1
  local nodes = {}
  local strings = { "", "a", "id2", "\0", ("long"):rep(below(100)), "key", "x\nz" }
  local named =
    { print, string, string.format, math, table.concat, _G, io.stdout.write and io, coroutine.wrap }
  local function scalar()
    local kind = below(9)
    if kind == 0 then
      return below(300) - 100
    elseif kind == 1 then
      return (below(1 << 62) << below(3)) * (below(2) * 2 - 1)
    elseif kind == 2 then
      return (below(1000) - 500) / 8
    elseif kind == 3 then
      return ({ -0.0, 1 / 0, -1 / 0, math.mininteger, 2.0 ^ 53, 1e300 })[below(6) + 1]
    elseif kind == 4 then
      return below(2) == 0
    elseif kind == 5 then
      return named[below(#named) + 1]
    elseif kind == 6 then
      return host.pointer(below(100))
    end
    return strings[below(#strings) + 1] .. (below(2) == 0 and below(50) or "")
  end
  local function value()
    return below(3) > 0 and nodes[below(n) + 1] or scalar()
  end
  for i = 1, n do
    nodes[i] = { id = i }
  end
  -- some of them are replaced by functions, which share upvalues with one another
  local a, b, c = below(10), below(10), below(10)
  for i = 1, n do
    local kind = below(10)
    if kind == 0 then
      nodes[i] = function()
        return a, b, i
      end
    elseif kind == 1 then
      nodes[i] = function(v)
        b, c = v, b
      end
    elseif kind == 2 then
      nodes[i] = function()
        return tostring(c)
      end
    elseif kind == 3 then
      nodes[i] = load("return ... , print")
    elseif kind == 4 then
      local mine = i
      nodes[i] = function()
        return mine, nodes[i]
      end
    end
  end
  a, b, c = value(), value(), value()
  for i = 1, n do
    local t = nodes[i]
    if type(t) == "table" then
      for _ = 1, below(6) do
        t[#t + 1] = value()
      end
      for _ = 1, below(6) do
        local key = value()
        if key ~= nil and key ~= "id" and type(key) ~= "function" then
          t[key] = value()
        end
      end
      local meta = below(5) == 0 and nodes[below(n) + 1]
      if type(meta) == "table" and meta.__gc == nil and meta.__mode == nil then
        debug.setmetatable(t, meta)
      end
      for _ = 1, below(3) do
        t[below(#t + 1) + 1] = nil
      end
    end
  end
  return nodes[1], nodes
end

section("graphs", function()
  local wrong, n = 0, many(30000)
  for i = 1, n do
    local root, nodes = make_graph(i % 100 == 0 and 200 or 20)
    local a, b = echo(root, nodes)
    if not isomorphic({ root, nodes }, { a, b }) then
      wrong = wrong + 1
    end
  end
  check(("%d graphs by chance arrive as they are"):format(n), wrong == 0)
  local ok, most = true, host.below(1 << 30)
  local broken = { { 1, { 2 } }, { 1, { 2.0 } } }
  check("(the comparison sees a difference)", ok and most and not isomorphic(broken[1], broken[2]))
end)

section("speed", function()
  if debug_build then
    return
  end
  local function work(i)
    return i + 1
  end
  local list, text = {}, ("x"):rep(1 << 20)
  for i = 1, 10000 do
    list[i] = i
  end
  local function show(what, n, ...)
    local ns, pack, unpack = host.cost(n, ...)
    print(("# %-40s %9.0f ns (%.0f, %.0f)"):format(what, ns, pack, unpack))
    return ns
  end
  -- What plain Lua does with the same values. It depends on the machine as rt does.
  local function copy_of_list()
    local copy = {}
    for i = 1, #list do
      copy[i] = list[i]
    end
    return copy
  end
  local function copy_of_text()
    return text .. "y"
  end
  local function coroutine_that_yields()
    local co = coroutine.create(coroutine.yield)
    coroutine.resume(co)
    coroutine.resume(co)
  end
  --- Checks that sending the values costs at most `most` times as much as a call of `yardstick`. Both
  --- are measured five times in turn, and the least of each counts: the speed of a machine changes.
  local function check_cost(what, most, yardstick, n, ...)
    local least, least_of_yardstick = math.huge, math.huge
    for _ = 1, 5 do
      least = math.min(least, (host.cost(n // 5, ...)))
      least_of_yardstick = math.min(least_of_yardstick, host.cost_of_call(n // 5, yardstick))
    end
    local ratio = least / least_of_yardstick
    check(
      ("%s: at most %g times the cost of plain Lua (%.2f)"):format(what, most, ratio),
      ratio <= most
    )
  end
  -- On an idle machine the ratios are 0.3 to 0.6, 1.5 to 2, and 1.7 to 1.9.
  check_cost("a function, an integer", 1, coroutine_that_yields, 100000, work, 1)
  check_cost("10,000 integers", 3, copy_of_list, 500, list)
  check_cost("1 MB of string", 3.5, copy_of_text, 500, text)
  show("an integer", 300000, 1)
  show("{1, 2, 3}", 300000, { 1, 2, 3 })
  show("{x = 1, y = 2, z = 'hello'}", 300000, { x = 1, y = 2, z = "hello" })
  show("string.format", 300000, string.format)
  local upvalue = 1
  show("a closure", 100000, function()
    return upvalue
  end, 1)
  local records = {}
  for i = 1, 1000 do
    records[i] = { id = i, name = "name " .. i, tags = { "a", "b" } }
  end
  show("1,000 records", 200, records)
end)
