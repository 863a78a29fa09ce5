--- The main chunk joins a task that joins one that fails.
local rt = require("rt")

local function fail()
  error("boom")
end

local inner = rt.spawn_local(function()
  fail()
end)
local outer = rt.spawn_local(function()
  inner:join()
end)
outer:join()
