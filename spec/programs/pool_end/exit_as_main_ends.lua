--- Four tasks call os.exit; the main chunk ends after arg[1] seconds.
local rt = require("rt")

for _ = 1, 4 do
  rt.spawn(function()
    os.exit(7, true)
  end)
end
rt.sleep(tonumber(arg[1]))
