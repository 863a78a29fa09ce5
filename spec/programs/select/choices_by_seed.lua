--- Prints what selects chose in this state and in one of the pool. arg[1]: the seed.
local rt = require("rt")

rt.configure { seed = tonumber(arg[1]), workers = 1 }
local function choices()
  local a, b, chosen = rt.channel(20), rt.channel(20), {}
  for i = 1, 20 do
    a:send(i)
    b:send(i)
  end
  for i = 1, 20 do
    chosen[i] = rt.select(a:recv_op(), b:recv_op())
  end
  return table.concat(chosen)
end
print(choices(), rt.spawn(choices):join())
