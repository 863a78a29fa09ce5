--- Opens a pipe (arg[1]) that nothing writes to, which does not return.

io.stdout:setvbuf("line")
print("ready")
io.open(arg[1])
