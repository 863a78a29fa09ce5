--- A coroutine is in a busy loop: of a task (arg[1] is "rt.run"), or of the main chunk.
local guard = require("guard")
local rt = require("rt")

io.stdout:setvbuf("line")
local run = arg[1] == "rt.run" and rt.run or pcall
run(coroutine.wrap(function()
  local g <close> = guard("coroutine")
  coroutine.wrap(function()
    print("ready")
    while true do
    end
  end)()
end))
rt.sleep(60)
