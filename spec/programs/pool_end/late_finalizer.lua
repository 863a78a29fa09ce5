--- A finalizer that runs when the runtime has ended calls functions and methods of rt.
local ch, task, rt

_G.KEEP = setmetatable({}, {
  __gc = function()
    local calls = {
      function()
        return rt.workers()
      end,
      function()
        return rt.configure { workers = 2 }
      end,
      function()
        return rt.preload("string")
      end,
      function()
        return ch:try_send { 1 }
      end,
      function()
        return ch:try_recv()
      end,
      function()
        return ch:close()
      end,
      function()
        return tostring(ch) .. #ch
      end,
      function()
        return task:status()
      end,
      function()
        return task:cancel { "why" }
      end,
      function()
        return task:join()
      end,
      function()
        return rt.spawn(print)
      end,
      function()
        return rt.spawn_blocking(print)
      end,
    }
    for _, f in ipairs(calls) do
      pcall(f)
    end
    print("finalized")
  end,
})
rt = require("rt")
ch = rt.channel()
ch:send { 1 }
task = rt.spawn(function()
  rt.sleep(100)
end)
rt.spawn(function()
  return 1
end):join()
