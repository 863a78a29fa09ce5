--- A task of a kind (arg[1]: the function that spawns it) ends in a way (arg[2]), and is joined or not (arg[3]).
local rt = require("rt")

local kind, how, joined = arg[1], arg[2], arg[3]

local function text(e)
  return type(e) == "table" and e.code or (tostring(e):gsub("^.*: ", ""))
end

rt.on_unhandled(function(e)
  print("unhandled", text(e))
end)

local bodies = {
  returns = function()
    return "value"
  end,
  fails = function()
    error("boom")
  end,
  fails_with_table = function()
    error { code = 5 }
  end,
  fails_in_close = function()
    local x <close> = setmetatable({}, {
      __close = function()
        error("in close")
      end,
    })
    return "lost"
  end,
}

local function join(task)
  local ok, value = pcall(task.join, task)
  print(ok, text(value))
end

local function await_end(task)
  repeat
    rt.sleep(0.001)
    local status = task:status()
  until status == "done" or status == "failed"
end

local task = rt[kind](bodies[how])
if joined == "joined" then
  join(task)
elseif joined == "twice" then
  join(task)
  join(task)
elseif joined == "late" then
  await_end(task)
  join(task)
else
  await_end(task)
  task = nil
  collectgarbage()
  rt.sleep(0.02)
  collectgarbage()
  rt.sleep(0.02)
end
