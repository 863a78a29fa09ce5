--- What a program of kit.on_workers begins with:
--   local SEED, SCALE = require("workers_prelude")()
-- SEED is set for math.random, too; SCALE is below 1 where everything is slow: fewer rounds will do.
return function()
  local seed, scale = tonumber(arg[1]), tonumber(arg[2])
  math.randomseed(seed)
  return seed, scale
end
