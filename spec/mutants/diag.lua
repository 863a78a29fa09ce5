--- Mutants of src/diag; spec/README.md explains an entry.
return {
  {
    file = "src/diag/watchdog.c",
    from = "  if (waited < passed && passed - waited > s->watch.stalled) s->watch.stalled = passed - waited;\n",
    to = "  (void)waited;\n",
    wrong = "a C function that waits in the kernel is not reported",
    spec = "stall",
    test = "a C function that waits is reported",
  },
  {
    file = "src/diag/watchdog.c",
    from = "  s->watch.reported = true;\n",
    to = "",
    wrong = "a stall is reported at each check",
    spec = "stall",
    test = "a C function that waits is reported",
  },
  {
    file = "src/diag/watchdog.c",
    from = "  return !s->in_blocking_pool && (",
    to = "  return (",
    wrong = "a thread whose business it is to block is told to be stuck",
    spec = "stall",
    test = "whose business it is",
  },
  {
    file = "src/diag/watchdog.c",
    from = "    set_period(0);\n  } else {",
    to = "    (void)0;\n  } else {",
    wrong = "the watchdog of an idle program never sleeps",
    spec = "stall",
    test = "a program that is idle is idle",
  },
  {
    file = "src/diag/snapshot.c",
    from = "    reply->tasks[kept++] = *info;\n",
    to = "",
    wrong = "jobs that no worker has begun are left out of a dump",
    spec = "dump",
    test = "jobs that nobody has begun",
  },
}
