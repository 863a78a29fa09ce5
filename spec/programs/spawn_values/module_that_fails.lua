--- A module that can be loaded in the main worker only.
local function fail()
  error("it fails here")
end

if not _G.is_main then
  fail()
end

return {}
