--- Twenty tasks compute a Fibonacci number each; another one returns a global variable that only main has.
local rt = require("rt")

local function fib(n)
  if n < 2 then
    return n
  end
  return fib(n - 1) + fib(n - 2)
end
local tasks = {}
for i = 1, 20 do
  tasks[i] = rt.spawn(function(k)
    return k, fib(k)
  end, i)
end
for i = 1, 20 do
  print(tasks[i]:join())
end
_G.counter = 5
print(pcall(function()
  return rt.spawn(function()
    return _G.counter
  end):join()
end))
