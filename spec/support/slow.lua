--- The factor by which programs multiply their deadlines: `local slow = require("slow")`.
-- It is the factor that the runner measured (RT_SLOW, see slowness.lua), times what the sanitizers
-- or tiny queues of this build cost. 1 in the plain build on an idle machine.
local of_flavor = require("flavor_slowness")

local machine = tonumber(os.getenv("RT_SLOW")) or 1
return machine * (of_flavor[os.getenv("RT_FLAVOR")] or 1)
