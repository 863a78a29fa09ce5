--- Mutants of src/lib; spec/README.md explains an entry.
return {
  {
    file = "src/lib/operation.h",
    from = "  if (rt_wait_must_yield(L, w, t)) return rtL_operation_yield(L, w, kind, object);\n",
    to = "  (void)t;\n",
    wrong = "an operation that need not wait never gives way to others",
    spec = "timeout",
    test = "gives way to others",
  },
  {
    file = "src/lib/operation.c",
    from = "  if (b.message) rt_pack_undo(w, b.message);\n  rtL_wait_over(L, w);",
    to = "  rtL_wait_over(L, w);",
    wrong = "a stream that was to be sent is lost when the send is cancelled",
    spec = "channel",
    test = "a send that comes to nothing",
  },
  {
    file = "src/lib/operation.c",
    from = "  if (rt_likely(called)) {\n",
    to = "  if (called && w->current.task->cause == RT_FIRED) {\n",
    wrong = "a value that was handed over just before a cancel is lost",
    spec = "channel",
    test = "sent before the cancel",
  },
  {
    file = "src/lib/lib.c",
    from = "(uint64_t)ceil(ns) : RT_FOREVER;",
    to = "(uint64_t)floor(ns) : RT_FOREVER;",
    wrong = "a wait of a part of a nanosecond is a wait of none",
    unnoticed = "the timer wheel counts milliseconds, and rounds up whatever is above 0 ns; below 1 ns a"
      .. " sleep is a yield, which gives way for longer than that",
  },
  {
    file = "src/lib/lib.c",
    from = '    case UV_EAI_NODATA: return "ENOTFOUND";',
    to = '      return "EAI_NONAME";\n    case UV_EAI_NODATA: return "ENOTFOUND";',
    wrong = "a name that does not exist has a code that only libuv knows",
    spec = "tcp",
    test = "finds names",
  },
  {
    file = "src/lib/shared.c",
    from = "a && b && a->shared == b->shared);",
    to = "a && b && a == b);",
    wrong = "a shared object that came back by another way is another one",
    spec = "shared_objects",
    test = "are equal to themselves alone",
  },
}
