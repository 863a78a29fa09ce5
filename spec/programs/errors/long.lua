--- Fails in the sixtieth call of a function by itself.
local function down(n)
  if n == 0 then
    error("bottom")
  end
  down(n - 1)
  return n
end
down(60)
