--- Sixteen tasks of the pool call rt.tasks at the same time, and find themselves.
local rt = require("rt")

local tasks = {}
for i = 1, 16 do
  tasks[i] = rt.spawn(function()
    local me = rt.current().id
    for _ = 1, 20 do
      local found
      for _, t in ipairs(rt.tasks()) do
        found = found or t.id == me
      end
      assert(found)
      rt.yield()
    end
  end)
end
rt.join(table.unpack(tasks))
