--- A module: what the functions above its loader are.
local t = {}
for level = 1, 4 do
  local info = debug.getinfo(level, "Sl")
  t[#t + 1] = info and info.what .. ":" .. info.currentline or "-"
end
return table.concat(t, " ")
