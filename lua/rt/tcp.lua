--- TCP streams and listeners. A read or a write suspends the calling task, never the worker.
local core = require("rt.core")

return { listen = core.tcp.listen, connect = core.tcp.connect, serve = require("rt.serve") }
