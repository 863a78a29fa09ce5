--- Returns how often the threads of this process have gone to sleep. (Linux)
return function()
  local sleeps = 0
  for task in io.popen("ls /proc/$PPID/task"):lines() do
    local f = io.open("/proc/self/task/" .. task .. "/status")
    sleeps = sleeps + (f and tonumber(f:read("a"):match("\nvoluntary_ctxt_switches:%s*(%d+)")) or 0)
    if f then
      f:close()
    end
  end
  return sleeps
end
