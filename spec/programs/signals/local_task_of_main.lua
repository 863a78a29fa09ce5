--- Main waits for a local task. arg[1]: it computes ("loop"), or reads ("read") from the FIFO arg[3],
--- for ever; or it reads for a moment. arg[2]: main waits in rt.join, rt.race, or rt.scope (a policy),
--- or in a shield ("shield"); or the task is in rt.critical. (The command ignores the signal, which its
--- process group may get.)
local guard = require("guard")
local rt = require("rt")
local does, waits = arg[1], arg[2]

rt.configure { stall = false }
io.stdout:setvbuf("line")

local tasks = {}

function tasks.loop()
  local g <close> = guard("task")
  print("ready")
  while true do
  end
end

function tasks.read()
  local g <close> = guard("task")
  local f = assert(io.open(arg[3], "r+"))
  print("ready")
  f:read("a")
  rt.yield()
  print("read")
end

function tasks.read_a_moment()
  local f = assert(io.popen("trap '' TERM; sleep 0.6; echo read", "r"))
  print("ready")
  print(f:read("l"))
  f:close()
end

local f = assert(tasks[does])
local g <close> = guard("main")
if waits == "join" or waits == "race" then
  print(pcall(rt[waits], f))
elseif waits == "shield" then
  rt.shield(rt.join, f)
  print(pcall(rt.sleep, 60))
elseif waits == "critical" then
  print(pcall(rt.join, function()
    rt.critical(f)
    rt.sleep(60)
  end))
else
  print(pcall(rt.scope, function(scope)
    scope:spawn_local(f)
  end, waits))
end
