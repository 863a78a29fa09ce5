--- A task calls rt.shutdown twice, with arg[1] and with arg[2] seconds, and another one cleans up for
--- longer. arg[3]: how the first is spawned.
local guard = require("guard")
local rt = require("rt")

local g <close> = guard("main")
rt.spawn_local(rt.shield, rt.sleep, 1000)
rt[arg[3]](function(first, second)
  local rt = require("rt")
  rt.shutdown(first)
  rt.shutdown(second)
end, tonumber(arg[1]), tonumber(arg[2]))
rt.sleep(1000)
