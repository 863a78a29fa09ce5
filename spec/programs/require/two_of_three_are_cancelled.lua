--- Of three tasks that require the same module, the first two are cancelled.
local rt = require("rt")

local one, two, three =
  rt.spawn_local(require, "waits"),
  rt.spawn_local(require, "waits"),
  rt.spawn_local(require, "waits")
rt.yield()
one:cancel()
two:cancel()
local m = three:join()
print(one:status(), two:status(), m.name, loads)
