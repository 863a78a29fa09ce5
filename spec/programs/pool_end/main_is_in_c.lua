--- A task ends the program by a function (arg[1]), while the main chunk is in a C function that does not return.
local rt = require("rt")
local wait = require("wait")

rt.configure { stall = 100 }
if arg[1] == "os.exit" then
  rt.spawn(function()
    wait.until_main_sleeps()
    os.exit(7, true)
  end)
  io.write("said ")
  io.read()
else
  rt.spawn(function()
    wait.until_main_sleeps()
    rt.shutdown(0.1)
  end)
  os.execute("exec sleep 60")
end
