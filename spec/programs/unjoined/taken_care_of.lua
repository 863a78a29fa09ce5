-- Errors that somebody takes care of: none is told.
local rt = require("rt")
rt.configure { unjoined = 0.02, workers = 2 }
local late = rt.channel(1)
rt.on_unhandled(function(err)
  print("told", err)
end)

local function fail_slowly()
  rt.shield(rt.sleep, 0.1)
  error("slow", 0)
end
local waited = { rt.spawn_local(fail_slowly), rt.spawn(fail_slowly) }
print(pcall(waited[1].join, waited[1]))
print(pcall(waited[2].join, waited[2]))
for _, spawn in ipairs { "spawn", "spawn_local" } do
  -- A scope takes care of its tasks, however long the others need for their cleanup.
  print(pcall(rt.scope, function(s)
    s[spawn](s, error, "of a scope", 0)
    s:spawn_local(function()
      rt.shield(rt.sleep, 0.1)
    end)
  end))
  rt.scope(function(s)
    s[spawn](s, error, "settled", 0)
    rt.sleep(0.1)
  end, "settle")
end
print(pcall(rt.call, fail_slowly))
print(pcall(rt.race, fail_slowly, fail_slowly))
print(late:try_recv())
local handled = rt.spawn_local(error, "in time", 0)
rt.yield()
print(pcall(handled.join, handled))
rt.sleep(0.1)
