--- A chain of channels, each in the next, and one of half as many tasks whose results are tasks; then
--- all are freed. The argument is the number of channels.
local rt = require("rt")

local length = assert(tonumber((...)))

local ch, task = rt.channel(), nil
for _ = 1, length do
  local outer = rt.channel()
  outer:send(ch)
  ch = outer
end
for i = 1, length // 2 do
  task = rt.spawn(function(before)
    return before
  end, task)
  if i % 1000 == 0 then
    task:join()
  end
end
task:join()
ch, task = nil, nil
collectgarbage()
collectgarbage()
print("freed")
