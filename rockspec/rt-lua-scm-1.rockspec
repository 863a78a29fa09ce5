rockspec_format = "3.0"
package = "rt-lua"
version = "scm-1"

source = {
  url = "git+https://github.com/rt-lua/rt.git",
}

description = {
  summary = "Tasks, timers and TCP for Lua: the runtime below main()",
  detailed = [[
rt is to Lua what Tokio is to Rust. A C module on libuv runs coroutines as tasks; sleeping, joining and
sockets look like plain blocking calls. Use it as a module of a stock interpreter, require "rt", or with
rt-lua, an interpreter that does as lua does and has the runtime inside. The rock has both.]],
  homepage = "https://github.com/rt-lua/rt",
  issues_url = "https://github.com/rt-lua/rt/issues",
  license = "MIT",
  labels = { "async", "coroutine", "networking", "scheduler" },
}

-- no other rocks: it installs offline
dependencies = {
  "lua >= 5.4, < 5.5",
}

external_dependencies = {
  UV = { header = "uv.h", library = "uv" },
}

-- "make", since "builtin" cannot build a program. Both passes get the same variables: else the
-- second would find another Lua, and build again.
build = {
  type = "make",
  variables = {
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA = "$(LUA)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    UV_INCDIR = "$(UV_INCDIR)",
    UV_LIBDIR = "$(UV_LIBDIR)",
    PREFIX = "$(PREFIX)",
    BINDIR = "$(BINDIR)",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    DATADIR = "$(PREFIX)", -- beside the rock's own files: luarocks doc finds the reference
  },
}

test = {
  type = "command",
  command = "make test",
}
