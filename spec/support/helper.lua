--- Loaded before every spec file: what a spec has started in the background ends with it.
local kit = require("kit")

local busted = require("busted")
busted.subscribe({ "test", "end" }, function()
  kit.forget()
  return nil, true
end)
