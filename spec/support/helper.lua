--- Loaded before every spec file: ends the background processes of a spec after it.
local kit = require("kit")

local busted = require("busted")
busted.subscribe({ "test", "end" }, function()
  kit.forget()
  return nil, true
end)
