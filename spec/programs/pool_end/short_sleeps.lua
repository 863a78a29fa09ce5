--- As many tasks as arg[1] says sleep for up to 10 ms; the main chunk ends after arg[2] seconds.
local rt = require("rt")

for _ = 1, tonumber(arg[1]) do
  rt.spawn(function()
    rt.sleep(math.random() / 100)
  end)
end
rt.sleep(tonumber(arg[2]))
