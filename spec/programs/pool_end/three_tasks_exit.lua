--- Three tasks call os.exit, each with a variable to close.
local guard = require("guard")
local rt = require("rt")

for _ = 1, 3 do
  rt.spawn(function()
    local g <close> = guard("task", io.stderr)
    rt.yield()
    os.exit(7, true)
  end)
end
rt.sleep(60)
