--- A pool task waits for another task of its worker, which computes or reads from the FIFO arg[2], and
--- so keeps it from running. Main waits for it in a scope. arg[1]: how the pool task waits; "shield" and
--- "unrelated" are for tasks that read for a moment. (The command ignores the signal, which its process
--- group may get.)
local rt = require("rt")
local how, fifo = arg[1], arg[2]
rt.configure { workers = 1, stall = false }

local function parent(how, fifo)
  local guard = require("guard")
  local rt = require("rt")
  io.stdout:setvbuf("line")
  local g <close> = guard("parent")

  local function loop()
    local g <close> = guard("child")
    print("ready")
    while true do
    end
  end

  local function read()
    local g <close> = guard("child")
    local f = assert(io.open(fifo, "r+"))
    print("ready")
    f:read("a")
    print("goes on")
  end

  local function read_a_moment()
    local f = assert(io.popen("trap '' TERM; sleep 0.8; echo read", "r"))
    print("ready")
    print(f:read("l"))
    f:close()
  end

  local waits = {
    run_loop = function()
      rt.run(loop)
    end,
    join_loop = function()
      rt.join(loop)
    end,
    run_read = function()
      rt.run(read)
    end,
    scope_read = function()
      rt.scope(function(scope)
        scope:spawn_local(read)
        rt.sleep(60)
      end)
    end,
    nested_read = function()
      rt.run(rt.join, read)
    end,
    pool_read = function()
      rt.scope(function(scope)
        scope:spawn(read)
      end)
    end,
    shield = function()
      rt.shield(rt.join, read_a_moment)
    end,
    unrelated = function()
      local other = rt.spawn_local(read_a_moment)
      pcall(rt.sleep, 60)
      rt.shield(other.join, other)
    end,
  }
  waits[how]()
end

rt.scope(function(scope)
  scope:spawn(parent, how, fifo)
end)
