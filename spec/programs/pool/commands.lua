--- Eight tasks start processes, and wait for them.
local rt = require("rt")

local tasks = {}
for i = 1, 8 do
  tasks[i] = rt.spawn(function()
    for _ = 1, 10 do
      local p = io.popen("echo " .. i)
      assert(p:read("n") == i)
      p:close()
      assert(os.execute("true"))
    end
    return true
  end)
end
for i = 1, 8 do
  assert(tasks[i]:join())
end
print("ok")
