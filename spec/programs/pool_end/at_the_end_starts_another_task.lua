--- The program ends while a task computes, which then starts another task.
local rt = require("rt")
local slow = require("slow")

rt.configure { stall = 0.1 * slow }
local up = rt.channel()
rt.spawn(function()
  rt.critical(function()
    up:send(1)
    local started, problem
    repeat -- the main chunk may not have ended yet
      local ends = rt.now() + 0.2
      while rt.now() < ends do
      end
      started, problem = pcall(rt.spawn, print)
    until not started
    assert(tostring(problem) == "cancelled: the program has ended: no new tasks")
    assert(problem.source == "rt")
    rt.spawn(print)
  end)
end)
up:recv()
