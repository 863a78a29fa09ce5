--- Runs a command of the shell to its end, and writes how it ended to a file, as one line:
--- "exit 0", "signal 15". A shell shows the two alike.
local command, file = ...
local _, how, code = io.popen(command, "w"):close()
local f = assert(io.open(file .. ".part", "w"))
f:write(how, " ", code, "\n")
f:close()
os.rename(file .. ".part", file)
