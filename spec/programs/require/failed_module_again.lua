--- A module that fails after a wait is required again.
local rt = require("rt")

local task = rt.spawn_local(function()
  return pcall(require, "waits_fails")
end)
local first, message = task:join()
assert(message:match("^%./waits_fails%.lua:2: after a wait$"), message)
print(first, (rt.run(pcall, require, "waits_fails")), package.loaded.waits_fails)
