--- Integers as Redis reads them: decimal, of 64 bits, and with only one way to write each.
local numbers = {
  MOST_SECONDS = math.maxinteger // 1000 - (1 << 32), -- Redis counts milliseconds since 1970
}

function numbers.parse(text)
  if #text > 20 or not text:find("^%-?%d+$") then
    return nil
  end
  local n = math.tointeger(tonumber(text))
  return n and ("%d"):format(n) == text and n or nil
end

return numbers
