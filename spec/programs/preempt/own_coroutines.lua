--- One task is switched inside a coroutine of its own, and another one looks at that coroutine.
local rt = require("rt")
local spin = require("spin")

local a = rt.spawn(function()
  inner = coroutine.create(function()
    while not stop do
      spin.once()
    end
    return "ended"
  end)
  return coroutine.resume(inner)
end)
local b = rt.spawn(function()
  while not inner do
    rt.yield()
  end
  local r = table.pack(coroutine.status(inner), coroutine.resume(inner))
  r[4] = select(2, pcall(coroutine.close, inner)):gsub("^.-:%d+: ", "")
  r[5] = pcall(coroutine.wrap, inner)
  stop = true
  return table.unpack(r)
end)
print(b:join())
print(a:join())
