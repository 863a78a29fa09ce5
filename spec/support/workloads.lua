--- Self-checking workloads: each returns a string that must always be the same.
local W = {}
local fmt, concat, unpack, pack = string.format, table.concat, table.unpack, table.pack

function W.fib()
  local function f(n)
    if n < 2 then
      return n
    end
    return f(n - 1) + f(n - 2)
  end
  return tostring(f(19))
end

function W.tight() -- tight loops with no calls: while/repeat/for/goto
  local x, y, z = 0, 0, 0
  while x < 20000 do
    x = x + 1
  end
  repeat
    y = y + 3
  until y >= 60000
  for i = 1, 20000 do
  end
  for i = 20000, 1, -1 do
    z = z ~ i
  end
  -- in a string, since the formatter does not know labels
  local g = load([[local g = 0 ::top:: g = g + 1 if g < 20000 then goto top end return g]])()
  local f = 0.0
  for i = 1.0, 3000.0, 0.5 do
    f = f + i
  end
  return x .. ":" .. y .. ":" .. z .. ":" .. g .. ":" .. f
end

function W.sort() -- comparator is called from C: not yieldable
  local t, s = {}, 12345
  for i = 1, 600 do
    s = (s * 1103515245 + 12345) & 0x7fffffff
    t[i] = s % 1000
  end
  table.sort(t, function(a, b)
    local c = 0
    for i = 1, 3 do
      c = c + i
    end
    return a > b
  end)
  local h = 0
  for i = 1, #t do
    h = (h * 31 + t[i]) & 0xffffffff
    if i > 1 then
      assert(t[i - 1] >= t[i])
    end
  end
  return tostring(h)
end

function W.gsub() -- callback is called from C: not yieldable
  local n = 0
  local s = string.rep("hello world ", 60)
  local r = s:gsub("%w+", function(w)
    n = n + 1
    local q = ""
    for i = #w, 1, -1 do
      q = q .. w:sub(i, i)
    end
    return q
  end)
  for w in r:gmatch("%a+") do
    n = n + #w
  end
  return n .. ":" .. #r .. ":" .. r:sub(1, 11)
end

function W.closures()
  local fs = {}
  for i = 1, 200 do
    local u = i
    fs[i] = function(d)
      u = u + d
      return u
    end
  end
  local h = 0
  for r = 1, 5 do
    for i = 1, 200 do
      h = h + fs[i](r)
    end
  end
  return tostring(h)
end

function W.varargs() -- OP_VARARG / OP_CALL B=0 / OP_SETLIST C=0 / OP_RETURN B=0 (open tops)
  local function id(...)
    return ...
  end
  local function cnt(...)
    return select("#", ...), ...
  end
  local function rev(n, a, ...)
    if n == 0 then
      return
    end
    return a, rev(n - 1, ...)
  end
  local h = 0
  for i = 1, 120 do
    local t = { id(i, i + 1, id(i + 2, i + 3, id(i + 4))) }
    assert(#t == 5 and t[5] == i + 4)
    local p = pack(cnt(unpack(t)))
    assert(p.n == 6 and p[1] == 5)
    local q = { rev(5, id(unpack(t))) }
    for k = 1, 5 do
      assert(q[k] == t[k])
    end
    h = h + (select(-1, unpack(t))) + math.max(unpack(t)) - math.min(id(unpack(t)))
    local z = { id(), (id(1, 2, 3)), id(4, 5) }
    assert(z[1] == nil and z[2] == 1 and z[4] == 5)
  end
  return tostring(h)
end

function W.pcalls()
  local ok, bad = 0, 0
  for i = 1, 200 do
    local st, e = pcall(function(a)
      local st2, e2 = pcall(function()
        if a % 3 == 0 then
          error { code = a }
        end
        return a
      end)
      if not st2 then
        assert(e2.code == a)
        error("lvl" .. a, 0)
      end
      return e2
    end, i)
    if st then
      ok = ok + e
    else
      bad = bad + tonumber(e:match("%d+"))
    end
    local st3, e3 = xpcall(function(...)
      local n = select("#", ...)
      return nil + n
    end, function(m)
      return "H" .. #tostring(m)
    end, 1, 2)
    assert(not st3 and e3:sub(1, 1) == "H")
  end
  return ok .. ":" .. bad
end

local MT = {}
MT.__index = function(t, k)
  local s = 0
  for i = 1, 4 do
    s = s + i
  end
  return k == "z" and s or rawget(MT, k)
end
MT.__newindex = function(t, k, v)
  local x = 0
  for i = 1, 3 do
    x = x + i
  end
  rawset(t, k, v)
end
for _, op in ipairs {
  "add",
  "sub",
  "mul",
  "mod",
  "pow",
  "div",
  "idiv",
  "band",
  "bor",
  "bxor",
  "shl",
  "shr",
} do
  MT["__" .. op] = function(a, b)
    local x = type(a) == "table" and a.v or a
    local y = type(b) == "table" and b.v or b
    local s = 0
    for i = 1, 3 do
      s = s + i
    end
    return setmetatable({ v = (x * 7 + y * 3 + s) % 1009 }, MT)
  end
end
MT.__unm = function(a)
  return setmetatable({ v = (a.v + 1) % 1009 }, MT)
end
MT.__bnot = function(a)
  return setmetatable({ v = (a.v + 2) % 1009 }, MT)
end
MT.__len = function(a)
  local s = 0
  for i = 1, 3 do
    s = s + i
  end
  return s + a.v
end
MT.__eq = function(a, b)
  for i = 1, 3 do
  end
  return a.v == b.v
end
MT.__lt = function(a, b)
  for i = 1, 3 do
  end
  return a.v < b.v
end
MT.__le = function(a, b)
  for i = 1, 3 do
  end
  return a.v <= b.v
end
-- No __concat: one that grows the stack, as it may during a switch, crashes Lua 5.4.4-3 of Debian,
-- with or without rt.
MT.__call = function(self, a, ...)
  for i = 1, 3 do
  end
  return self.v + a, ...
end
function W.meta()
  local mk = function(v)
    return setmetatable({ v = v }, MT)
  end
  local a, b, h = mk(3), mk(5), 0
  for i = 1, 60 do
    local c = a + b - i * a % b
    c = (c & 3) | a ~ b << 2 >> 1
    c = -~c // 3 / a ^ 2
    c.q = i
    h = (h + c.v + #c + c.z + c.q) % 1000003
    if a < b then
      h = h + 1
    end
    if a <= b then
      h = h + 2
    end
    if a == mk(3) then
      h = h + 4
    end
    if not (a > b) and not (a >= b) and a ~= b then -- luacheck: ignore
      h = h + 8
    end
    local r, x, y = c(i, "x", "y")
    assert(x == "x" and y == "y")
    h = h + r
    a = mk((a.v + i) % 1009)
    if i % 7 == 0 then
      b = mk((b.v * 3) % 1009)
    end
  end
  return tostring(h)
end

function W.gens() -- nested coroutines, wrap + create/resume, yields through pcall
  local function perm(a, n)
    n = n or #a
    if n <= 1 then
      coroutine.yield(a)
    else
      for i = 1, n do
        a[n], a[i] = a[i], a[n]
        perm(a, n - 1)
        a[n], a[i] = a[i], a[n]
      end
    end
  end
  local c, h = 0, 0
  for p in
    coroutine.wrap(function()
      perm { 1, 2, 3, 4 }
    end)
  do
    c = c + 1
    h = (h * 7 + p[1] * 8 + p[4]) % 65521
  end
  local function tree(d)
    if d == 0 then
      coroutine.yield(1)
      return
    end
    local l = coroutine.wrap(tree)
    local s = 0
    for v in l, d - 1 do
      s = s + v
      coroutine.yield(v)
    end
    coroutine.yield(s)
  end
  local t = 0
  local w = coroutine.wrap(function()
    tree(5)
    return nil
  end)
  for v in w do
    t = t + v
  end
  local co = coroutine.create(function(...)
    local x = select("#", ...)
    local ok, e = pcall(function()
      local y = coroutine.yield(x)
      error("E" .. y, 0)
    end)
    assert(not ok)
    return e, coroutine.yield("mid")
  end)
  local r = { coroutine.resume(co, 1, nil, 3) }
  assert(r[1] and r[2] == 3)
  r = { coroutine.resume(co, 42) }
  assert(r[1] and r[2] == "mid", r[2])
  r = { coroutine.resume(co, "a", "b") }
  assert(r[1] and r[2] == "E42" and r[3] == "a" and r[4] == "b")
  assert(coroutine.status(co) == "dead" and not coroutine.resume(co))
  local bad = coroutine.wrap(function()
    local x <close> = setmetatable({}, {
      __close = function()
        for i = 1, 20 do
        end
        t = t + 1
      end,
    })
    error("boom", 0)
  end)
  local ok, e = pcall(bad)
  assert(not ok and e == "boom")
  return c .. ":" .. h .. ":" .. t
end

function W.gen2() -- non-yieldable inner resume: wrap called from gsub callback / sort
  local g = coroutine.wrap(function()
    local i = 0
    while true do
      for k = 1, 10 do
        i = i + 1
      end
      coroutine.yield(i)
    end
  end)
  local s = string.rep("x ", 40):gsub("x", function()
    return tostring(g())
  end)
  local h = 0
  for d in s:gmatch("%d+") do
    h = h + d
  end
  return tostring(h)
end

function W.strings()
  local t = {}
  for i = 1, 150 do
    t[#t + 1] = fmt("%05d|%s|%.3f", i, ("x"):rep(i % 7), i / 3)
  end
  local s = concat(t, ",")
  local h = 0
  for i = 1, #s do
    h = (h * 33 + s:byte(i)) & 0xffffffff
  end
  return #s .. ":" .. h
end

function W.deep()
  local function d(n)
    if n == 0 then
      return 0
    end
    return 1 + d(n - 1)
  end
  local function tail(n, a)
    if n == 0 then
      return a
    end
    return tail(n - 1, a + n)
  end
  return d(3000) .. ":" .. tail(10000, 0)
end

function W.gc()
  local fin, weak = 0, setmetatable({}, { __mode = "k" })
  for i = 1, 60 do
    local o = setmetatable({ i }, {
      __gc = function()
        for k = 1, 10 do
        end
        fin = fin + 1
      end,
    })
    weak[o] = i
    weak[{}] = i
    if i % 20 == 0 then
      o = nil
      collectgarbage("step", 10)
    end
  end
  local t = {}
  for i = 1, 300 do
    t[i] = { i, tostring(i) }
  end
  local h = 0
  for i = 1, 300 do
    h = h + t[i][1] + #t[i][2]
  end
  return tostring(h)
end

function W.loads()
  local h = 0
  for i = 1, 12 do
    local f = assert(
      load(
        fmt(
          "local a, b = ... local t = {} for i = 1, %d do t[i] = a * i + b end return #t, t[#t]",
          i + 5
        )
      )
    )
    local n, l = f(i, 2)
    h = h + n + l
    local parts, k = { "return ", tostring(i), " + ", "1" }, 0
    local f2 = assert(load(function()
      k = k + 1
      for q = 1, 5 do
      end
      return parts[k]
    end))
    h = h + f2()
    local f3 = load(string.dump(f))
    local n3, l3 = f3(i, 2)
    assert(n3 == n and l3 == l)
  end
  return tostring(h)
end

function W.close() -- to-be-closed, incl. yields inside __close (5.4.3+), errors in __close
  local log = {}
  local function tbc(n, e)
    return setmetatable({}, {
      __close = function(_, err)
        for i = 1, 10 do
        end
        log[#log + 1] = n .. (err and "!" or "")
        if e then
          error("close" .. n, 0)
        end
      end,
    })
  end
  for r = 1, 15 do
    local co = coroutine.wrap(function()
      local a <close> = tbc("a")
      local b <close> = setmetatable({}, {
        __close = function()
          coroutine.yield("inclose")
          log[#log + 1] = "b"
        end,
      })
      coroutine.yield("body")
      return 1, 2, 3
    end)
    assert(co() == "body")
    assert(co() == "inclose")
    local x, y, z = co()
    assert(x == 1 and y == 2 and z == 3)
    local ok, e = pcall(function()
      local c <close> = tbc("c", true)
      local d <close> = tbc("d")
      error("orig", 0)
    end)
    assert(not ok and e == "closec", e)
    for i, v in
      (function()
        local i = 0
        return function()
          i = i + 1
          if i <= 3 then
            return i, i
          end
        end,
          nil,
          nil,
          tbc("f")
      end)()
    do
      if i == 2 then
        break
      end
    end
    local c2 = coroutine.create(function()
      local q <close> = tbc("q")
      coroutine.yield()
    end)
    coroutine.resume(c2)
    assert(coroutine.close(c2))
  end
  return #log .. concat(log)
end

function W.arith()
  local h = 0
  for i = 1, 800 do
    h = (h ~ (i << (i & 15))) + (i // 3) * (i % 7) - (-i >> 60)
    local s = i .. ""
    h = h + #s + (s + 0)
    if i % 2 == 0 and (s < "5" or s >= "70") then
      h = h + 1
    end
    h = h & 0xffffffffff
  end
  return tostring(h)
end

function W.iter()
  local t = {}
  for i = 1, 100 do
    t["k" .. i] = i
    t[i] = i * 2
  end
  local h = 0
  for k, v in pairs(t) do
    h = h + v
  end
  for i, v in ipairs(t) do
    h = h + v
  end
  local k, v = next(t)
  while k do
    h = h + v
    k, v = next(t, k)
  end
  local px = setmetatable({}, {
    __pairs = function()
      return function(_, i)
        i = (i or 0) + 1
        for q = 1, 5 do
        end
        if i < 30 then
          return i, i
        end
      end,
        nil,
        nil
    end,
  })
  for a, b in pairs(px) do
    h = h + a * b
  end
  for i = 1, 80 do
    t[i] = nil
  end
  for i = 81, 100 do
    table.insert(t, 1, i)
  end
  local m = table.move(
    { 1, 2, 3 },
    1,
    3,
    2,
    setmetatable({}, {
      __newindex = function(t, k, v)
        for q = 1, 5 do
        end
        rawset(t, k, v + 1)
      end,
    })
  )
  return h .. ":" .. m[2] .. m[3] .. m[4]
end

return W
