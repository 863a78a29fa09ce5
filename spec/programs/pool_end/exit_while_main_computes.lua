--- A task calls os.exit while the main chunk computes, in a way (arg[1]).
local rt = require("rt")

local function exit_soon()
  rt.spawn(function()
    rt.sleep(0.01)
    os.exit(7, true)
  end)
end

local ways = {}

ways["a loop"] = function()
  exit_soon()
  while true do
  end
end

ways["errors"] = function()
  exit_soon()
  while true do
    pcall(error)
  end
end

ways["a sort"] = function()
  exit_soon()
  local t = {}
  for i = 1, 100 do
    t[i] = i
  end
  while true do
    table.sort(t, function(a, b)
      return a < b
    end)
  end
end

ways["a coroutine"] = function()
  exit_soon()
  coroutine.wrap(function()
    while true do
    end
  end)()
end

ways["a variable to close"] = function()
  local g <close> = setmetatable({}, {
    __close = function()
      io.write("closed")
    end,
  })
  exit_soon()
  while true do
  end
end

ways[arg[1]]()
