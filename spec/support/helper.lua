--- Loaded before every spec file: a deadline for each `it`, and `kit`.
local kit = require("kit")

--- A spec that hangs has failed, not stopped the rest. (rt must not be needed to notice: the
--- process itself has a deadline, too.)
local busted = require("busted")
busted.subscribe({ "test", "start" }, function()
  kit.forget()
  return nil, true
end)
