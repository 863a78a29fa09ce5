--- Prints its arguments, and all of the table arg.
print(select("#", ...), ...)
local lowest = 0
while arg[lowest - 1] do
  lowest = lowest - 1
end
for i = lowest, #arg do
  print(i, arg[i])
end
