--- For the sweep of failing allocations (spec/ground/oom.c): returns true, or raises.
-- rt.tasks and rt.dump: tasks for which there is no memory are missing, or the call raises.
local oom = require("oom")
local rt = require("rt")

local right = oom.right

local function look(sleeper)
  sleeper.name = "sleeper"
  rt.yield()
  for _ = 1, 30 do
    for _, t in ipairs(rt.tasks()) do
      right(t.id ~= sleeper.id or t.name == nil or t.name == "sleeper", "whose name is that?")
    end
    local ok, message, code = rt.dump("/dev/null")
    right(ok == true or code == "ENOMEM", message)
  end
end

local sleeper = rt.spawn_local(function()
  coroutine.wrap(function()
    rt.sleep(60)
  end)()
end)
local ok, err = pcall(look, sleeper)
sleeper:cancel()
if not ok then
  error(err, 0)
end
return true
