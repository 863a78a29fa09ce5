--- A __close of the main chunk, which waits (arg[1] is "sleep") or loops, does not return.
local rt = require("rt")

io.stdout:setvbuf("line")
local g <close> = setmetatable({}, {
  __close = function()
    print("closing")
    while true do
    end
  end,
})
print("ready")
if arg[1] == "sleep" then
  rt.sleep(60)
end
while true do
end
