--- A chain of channels, each in the next, and one of tasks whose results are tasks; then all are freed.
local rt = require("rt")

local ch, task = rt.channel(), nil
for _ = 1, 400000 do
  local outer = rt.channel()
  outer:send(ch)
  ch = outer
end
for i = 1, 200000 do
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
