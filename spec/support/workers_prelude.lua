--- The first lines of a program of kit.on_workers:
--   local SEED, SCALE = require("workers_prelude")()
-- SEED is the seed of math.random, too. SCALE is below 1 where everything is slow, for fewer
-- rounds.
return function()
  local seed, scale = tonumber(arg[1]), tonumber(arg[2])
  math.randomseed(seed)
  return seed, scale
end
