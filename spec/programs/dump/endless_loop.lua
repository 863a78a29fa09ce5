--- Looks in a dump for a task of the pool that computes without an end.
local rt = require("rt")
local task_list = require("task_list")

--- The thread sanitizer delivers a signal only in calls that it intercepts, such as malloc.
local in_tsan = os.getenv("RT_FLAVOR") == "tsan"

local ch = rt.channel(1)
local t = rt.spawn(function()
  local function turning()
    while true do
      if in_tsan then
        local _ = ("x"):rep(100000)
      end
    end
  end
  ch:send(true)
  turning()
end)
t.name = "hog"
ch:recv()
task_list.dump_with("task %d+ %(hog%), [^\n]+\n[^\n]*\n?[^\n]*\n?[^\n]*in %a+ 'turning'")
t:cancel()
