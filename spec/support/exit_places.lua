--- Where os.exit is called from. Each entry is a function, which gets `exit`, a function that ends the program.
local pair = require("pair")
local rt = require("rt")

local places = {}

places["in the main chunk"] = function(exit)
  exit()
end

places["in pcall"] = function(exit)
  pcall(function()
    exit()
  end)
end

places["in a coroutine of the main chunk"] = function(exit)
  coroutine.wrap(function()
    exit()
  end)()
end

places["in a task"] = function(exit)
  rt.run(function()
    exit()
  end)
end

places["in pcall in a task"] = function(exit)
  rt.run(function()
    pcall(function()
      exit()
    end)
    print("goes on")
  end)
end

places["in a coroutine of a task"] = function(exit)
  rt.run(function()
    coroutine.wrap(function()
      exit()
    end)()
    print("goes on")
  end)
end

places["in a task while main sleeps"] = function(exit)
  rt.spawn_local(function()
    exit()
    print("goes on")
  end)
  rt.sleep(1000)
end

places["in a task that has waited"] = function(exit)
  rt.spawn_local(function()
    rt.sleep(0.001)
    exit()
  end)
  rt.sleep(1000)
end

places["in a task that a connection woke"] = function(exit)
  local c, s = pair()
  rt.spawn_local(function()
    s:recv()
    exit()
  end)
  c:write("x")
  rt.sleep(1000)
end

places["in __close of a task"] = function(exit)
  rt.run(function()
    local c <close> = setmetatable({}, {
      __close = function()
        exit()
      end,
    })
  end)
end

places["in rt.on_unhandled"] = function(exit)
  rt.on_unhandled(function()
    exit()
  end)
  rt.spawn_local(error)
  rt.sleep(1000)
end

return places
