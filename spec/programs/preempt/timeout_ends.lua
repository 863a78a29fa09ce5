--- A timeout of 0.05 s ends a hog. Prints what rt.timeout returned, and the seconds that it took.
--   timeout_ends.lua PLACE HOG
local rt = require("rt")
local hog = require("hogs")[arg[2]]

local function try(hog)
  local began = rt.now()
  local a, b = rt.timeout(0.05, hog)
  return a, b, rt.now() - began
end

local places = {}

function places.main()
  return try(hog)
end

function places.local_task()
  return rt.spawn_local(try, hog):join()
end

function places.pool()
  return rt.spawn(try, hog):join()
end

function places.coroutine()
  return coroutine.wrap(try)(hog)
end

--- One that is as if it had been made before rt was loaded.
function places.old_coroutine()
  return require("rt.core").internal["original coroutine.wrap"](try)(hog)
end

local a, b, seconds = places[arg[1]]()
print(tostring(a) .. " " .. tostring(b), seconds)
