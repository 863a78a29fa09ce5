--- Tasks call rt.dump and rt.tasks while they are closed at the end of the program.
local rt = require("rt")

local ready = rt.channel(10)
local function clean_up()
  rt.shield(function()
    for _ = 1, 5 do
      rt.sleep(0.01)
      assert(rt.dump("/dev/null"))
      assert(#rt.tasks() > 0)
    end
    print("clean")
  end)
end
local function wait()
  local _ <close> = setmetatable({}, { __close = clean_up })
  ready:send(1)
  rt.sleep(100)
end
for _ = 1, 4 do
  rt.spawn(wait)
  rt.spawn_local(wait)
end
for _ = 1, 8 do
  ready:recv()
end
