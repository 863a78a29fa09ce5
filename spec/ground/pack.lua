--- Values from one state to another and back; see pack.c.
local host = ...
local echo, call, check = host.echo, host.call, host.check

do
  local t = { 1, 2, 3, x = { y = "z" } }
  t.t, t.x.t = t, t
  local r = echo(t)
  check("a table arrives with its cycles", r ~= t and r[3] == 3 and r.x.y == "z" and r.x.t == r)
end

do
  local n = 10
  local function fib(i)
    return i < 2 and i or fib(i - 1) + fib(i - 2)
  end
  check("a recursive function arrives", call(fib, 20) == 6765)
  local function add(a)
    n = n + a
    return n
  end
  check("upvalues are copied", call(add, 5) == 15 and n == 10)
end

do
  local log = { file = io.tmpfile() }
  local ok, err = pcall(call, function()
    return log
  end)
  check(
    "what cannot go is named",
    not ok
      and err:find("cannot send upvalue 'log' .file (userdata FILE*) to another worker", 1, true)
  )
  check("what modules hold goes by name", echo(string.format) == string.format)
end
