--- A task resumes a coroutine, which sleeps, by the function that Lua had before rt was loaded.
local resume = coroutine.resume
local rt = require("rt")

if rt.run(function()
  return coroutine.resume == resume
end) then
  print("rt-lua has its own from the start") -- there is no "before"
  return
end
rt.run(function()
  local ok, message = resume(coroutine.create(function()
    rt.sleep(1)
  end))
  print(ok, message)
end)
