--- Code that computes for ever and never waits, by title: loops of all kinds, which a preemption
--- must interrupt.
local spin = require("spin")

if os.getenv("RT_FLAVOR") == "tsan" then -- other loops get no signal there, see spin.lua
  return {
    ["an endless loop"] = spin.forever,
    ["an endless goto"] = function()
      ::again::
      local _ = ("x"):rep(100000)
      goto again
    end,
    ["an endless pcall loop"] = function()
      while true do
        pcall(function()
          spin.once()
          error("x")
        end)
      end
    end,
    ["a loop that swallows every error"] = spin.swallowing,
    ["a loop in nested coroutines"] = function()
      coroutine.wrap(function()
        coroutine.wrap(spin.forever)()
      end)()
    end,
  }
end

return {
  ["an endless loop"] = function()
    while true do
    end
  end,
  ["an endless goto"] = function()
    ::again::
    goto again
  end,
  ["an endless pcall loop"] = function()
    while true do
      pcall(function()
        error("x")
      end)
    end
  end,
  ["a loop that swallows every error"] = function()
    while true do
      pcall(function()
        while true do
        end
      end)
    end
  end,
  ["a comparator of table.sort"] = function()
    local t = {}
    while true do
      for i = 1, 100 do
        t[i] = i * 7919 % 101
      end
      table.sort(t, function(a, b)
        return a < b
      end)
    end
  end,
  ["a callback of string.gsub"] = function()
    while true do
      ("x"):rep(100):gsub("x", function() end)
    end
  end,
  ["a loop in nested coroutines"] = function()
    coroutine.wrap(function()
      coroutine.wrap(function()
        while true do
        end
      end)()
    end)()
  end,
  ["coroutines that hand each other values"] = function()
    local next = coroutine.wrap(function()
      while true do
        coroutine.yield(1)
      end
    end)
    while true do
      next()
    end
  end,
  ["metamethods"] = function()
    local t = setmetatable({}, {
      __index = function(_, k)
        return k
      end,
    })
    while true do
      local _ = t[1]
    end
  end,
  ["a recursion 150,000 deep"] = function()
    local function deep(n)
      if n == 0 then
        return 0
      end
      return 1 + deep(n - 1)
    end
    while true do
      deep(150000)
    end
  end,
}
