--- Mutants of src/lib/std; spec/README.md explains an entry.
return {
  {
    file = "src/lib/std/print.c",
    from = "  fwrite(line, 1, len, stdout);\n",
    to = "  fwrite(line, 1, len / 2, stdout);\n  fwrite(line + len / 2, 1, len - len / 2, stdout);\n",
    wrong = "lines of several workers mix",
    spec = "pool",
    test = "print never tears a line",
  },
  {
    file = "src/lib/std/command.c",
    from = "  posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);\n",
    to = "",
    wrong = "a command that a task executes does not hear signals",
    spec = "blocking",
    test = "a command that a task executes",
  },
  {
    file = "src/lib/std/coroutine.c",
    from = "  if (*now == 'r' || *now == 'n') return luaL_error(L, \"cannot close a %s coroutine\", now);\n",
    to = "  if (*now == 'r') return luaL_error(L, \"cannot close a %s coroutine\", now);\n",
    wrong = "another task can close a coroutine that waits",
    spec = "coroutine",
    test = "are normal to others",
  },
  {
    file = "src/lib/std/coroutine.c",
    from = "  if (L != outer.co || !lua_isyieldable(L)) rt_current_block(w);\n",
    to = "",
    wrong = "a wait in a coroutine below a C function yields through it",
    spec = "coroutine",
    test = "inside table.sort",
  },
  {
    file = "src/lib/std/coroutine.c",
    from = "  if (is_task_itself(L, w)) w->current.task->is_exposed = 1;\n",
    to = "  (void)is_task_itself(L, w);\n",
    wrong = "a coroutine that the program has seen becomes that of another task",
    spec = "task",
    test = "a coroutine that the program has seen",
  },
}
