--- Lua code that computes for long, in tasks of the pool, of the main state, and in the main chunk.
local rt = require("rt")
local spin = require("spin")

local is_tsan = os.getenv("RT_FLAVOR") == "tsan"

local function busy(f)
  local until_then = rt.now() + 0.25
  repeat
    f()
  until rt.now() > until_then
end

local function work()
  busy(function()
    for _ = 1, 100 do
      spin.once()
    end
  end)
  busy(function()
    pcall(error)
    spin.once()
  end)
  if is_tsan then
    return
  end
  local t = {}
  for i = 1, 20000 do
    t[i] = i * 7919 % 20011
  end
  busy(function()
    table.sort(t, function(a, b)
      return a < b
    end)
  end)
  busy(function()
    ("x"):rep(100):gsub("x", function() end)
  end)
  coroutine.wrap(function()
    busy(function()
      for _ = 1, 100 do
      end
    end)
  end)()
end

local there, here = rt.spawn(work), rt.spawn_local(work)
rt.join(there, here)
work()
