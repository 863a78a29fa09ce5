--- Mutants of src/lib/sync; spec/README.md explains an entry.
return {
  {
    file = "src/lib/sync/channel.c",
    from = "  if (b->message) rt_pack_undo(w, b->message); /* the channel was closed meanwhile */\n",
    to = "",
    wrong = "a stream that was not sent, since the channel was closed meanwhile, is lost",
    spec = "channel",
    test = "a send that comes to nothing",
  },
  {
    file = "src/lib/sync/mutex.c",
    from = "  unlock_by_guard(g);\n",
    to = "  (void)g;\n",
    wrong = "a guard that is closed leaves the lock locked",
    spec = "mutex",
    test = "lock returns a guard",
  },
  {
    file = "src/lib/sync/mutex.c",
    from = "  if (rt_unlikely(mine))",
    to = "  if (rt_unlikely(mine && L == NULL))",
    wrong = "a task that locks twice waits for itself",
    spec = "mutex",
    test = "locking twice",
  },
  {
    file = "src/lib/sync/once.c",
    from = "  rt_mutex_settle(m, results);\n",
    to = "  rt_mutex_set(m, results);\n",
    wrong = "each task runs its own function",
    spec = "once",
    test = "runs the function once",
  },
  {
    file = "src/lib/sync/once.c",
    from = "  if (r->mutex->shared) rt_mutex_unlock_serial(",
    to = "  if (r->mutex->shared && L == NULL) rt_mutex_unlock_serial(",
    wrong = "after an error of the function no task can run its own",
    spec = "once",
    test = "leaves it to the same task",
  },
}
