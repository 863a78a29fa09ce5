local rt, core = require("rt"), require("rt.core")
for name in pairs(package.loaded) do
  if name == "rt" or name:find("^rt%.") then
    package.loaded[name] = nil
  end
end
local again = require("rt")
-- (a second runtime would say on stderr that SIGURG is taken by other code)
again.timeout(1, function() end)
print(require("rt.core") == core, again.sleep == rt.sleep)
