--- Mutants of src/sched; spec/README.md explains an entry.
return {
  {
    file = "src/sched/runq.c",
    from = "  count_removed_locked(from, n);\n",
    to = "",
    wrong = "stolen jobs are counted in the queue that they have left",
    model = "runq",
  },
  {
    file = "src/sched/group.c",
    from = "    m->cancel_sent = true;\n",
    to = "",
    wrong = "a group cancels the same member for ever",
    model = "group",
  },
  {
    file = "src/sched/group.c",
    from = "bool cancelled = m->cancel_sent = g->cancelled;",
    to = "bool cancelled = false;",
    wrong = "a job that enters a cancelled group is not cancelled",
    model = "group",
  },
  {
    file = "src/sched/group.c",
    from = "case RT_GROUP_FIRST_SUCCESS: return how == RT_DONE;",
    to = "case RT_GROUP_FIRST_SUCCESS: return true;",
    wrong = "a failure ends a race that wants the first success",
    spec = "scope",
    test = "policy any: the first success",
  },
  {
    file = "src/sched/job.c",
    from = "bool first = !rt_job_was_cancelled(j) && j->phase < RT_DONE;",
    to = "bool first = j->phase < RT_DONE;",
    wrong = "a second cancel posts again, and changes the reason",
    model = "job",
  },
  {
    file = "src/sched/job.c",
    from = "  if (how == RT_FAILED) rt_runtime_record_failure(j->runtime, &j->failure);\n",
    to = "",
    wrong = "the failure of a job that nobody joins is not reported",
    spec = "pool",
    test = "whose handles are still held",
  },
  {
    file = "src/sched/sched.c",
    from = "    if (rt_load(&s->slots[i].queue.count) > 0) return true;\n  return false;",
    to = "    if (rt_load(&s->slots[i].queue.count) > 1) return true;\n  return false;",
    wrong = "a worker parks beside a single job in the queue of another",
    model = "sched",
  },
}
