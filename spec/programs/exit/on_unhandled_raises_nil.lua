--- The handler of unhandled errors raises nil, for the error of a task (arg[1]).
local rt = require("rt")

local function set_handler()
  rt.on_unhandled(function()
    error(nil)
  end)
end

local errors = {}

errors["of a local task"] = function()
  _G.t = rt.spawn_local(error, "boom", 0)
  rt.yield()
end

errors["of a local task whose handle is gone"] = function()
  rt.spawn_local(error, "boom", 0)
  rt.yield()
end

errors["of a task of the pool"] = function()
  _G.t = rt.spawn(error, "boom", 0)
  repeat
    rt.sleep(0.01)
  until _G.t:status() == "failed"
end

errors["of a task of a worker's state"] = function()
  rt.spawn(function()
    set_handler()
    _G.t = rt.spawn_local(error, "boom", 0)
    rt.yield()
  end):join()
end

set_handler()
errors[arg[1]]()
