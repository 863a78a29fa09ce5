--- A ticker, and a C function that waits until the file $TOLD exists; then waits for $SEEN. Prints
--- the number of ticks.
local rt = require("rt")

local ch = rt.channel(1)
local stuck = rt.spawn(function()
  ch:send(1)
  os.execute('until [ -e "$TOLD" ]; do sleep 0.02; done')
end)
ch:recv()
local ticks = 0
while stuck:status() ~= "done" do
  rt.sleep(0.01)
  ticks = ticks + 1
end
while not io.open(os.getenv("SEEN")) do
  rt.sleep(0.02)
end
print(ticks)
