--- Does what the command `busted` does, which may be a shell script that no host could run.
--
-- busted gives the functions of a spec an environment of its own. A function that a spec sends to
-- another worker would take it along, and all of busted with it. So the functions keep the globals
-- here, and what busted puts into its environments is found by the metatable of the globals.
local new_environment = require("busted.environment")

package.loaded["busted.environment"] = function(context)
  local function find(_, name)
    local block = context.get()
    while block do
      local value = block.env and block.env[name]
      if value ~= nil then
        return value
      end
      block = context.parent(block)
    end
  end
  setmetatable(_G, { __index = find })
  local environment = new_environment(context)
  function environment.wrap(f)
    return f
  end
  return environment
end

rawset(_G, "assert", require("luassert"))
require("busted.runner") { standalone = false }
