--- A finalizer selects operations on objects that were finalized before it.
local rt = require("rt")

local function make_garbage()
  local t = setmetatable({}, {
    __gc = function(t)
      for _, name in ipairs { "channel", "mutex", "job" } do
        print(name, pcall(rt.select, t[name]))
      end
    end,
  })
  -- (finalizers run in the reverse order of creation: that of the table comes last)
  t.channel = rt.channel(1):recv_op()
  t.mutex = rt.mutex():lock_op()
  t.job = rt.spawn(function() end):join_op()
end

make_garbage()
collectgarbage()
collectgarbage()
