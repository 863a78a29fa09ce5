#include "task/task.h"

#include "task/task_name.h"

static const char *const phase_names[] = {"queued", "running", "waiting",
                                          "done",   "failed",  "cancelled"};
static const char *const op_names[] = {
    [RT_OP_YIELD] = "yield",     [RT_OP_SLEEP] = "sleep",     [RT_OP_JOIN] = "join",
    [RT_OP_READ] = "read",       [RT_OP_WRITE] = "write",     [RT_OP_ACCEPT] = "accept",
    [RT_OP_CONNECT] = "connect", [RT_OP_RESOLVE] = "lookup",  [RT_OP_SEND] = "send",
    [RT_OP_RECEIVE] = "receive", [RT_OP_SPAWN] = "spawn",     [RT_OP_SELECT] = "select",
    [RT_OP_STDIN] = "stdin",     [RT_OP_REQUIRE] = "require", [RT_OP_LOCK] = "lock",
    [RT_OP_ACQUIRE] = "acquire", [RT_OP_NOTIFY] = "notify",   [RT_OP_BARRIER] = "barrier",
    [RT_OP_ONCE] = "once",       [RT_OP_CHANGE] = "change",
};

void rt_task_init(rt_task *t, uint64_t id) {
  memset(t, 0, sizeof *t);
  rt_list_init(&t->link);
  t->id = id;
}

const char *rt_phase_name(rt_phase p) { return phase_names[p]; }

const char *rt_task_status(const rt_task *t) { return rt_phase_name(t->phase); }

const char *rt_task_waits_for(const rt_task *t) {
  return t->phase == RT_WAITING ? op_names[t->op] : NULL;
}

/* Each joined task has an rt_more. glibc's malloc keeps freed chunks up to this size in a fast
** bin. */
_Static_assert(sizeof(rt_more) <= 120, "an rt_more costs a slow malloc");

rt_more *rt_task_more(rt_task *t) {
  if (t->more == NULL) {
    rt_more *m = rt_calloc(sizeof *m);
    if (m == NULL) return NULL;
    rt_list_init(&m->joiners);
    rt_list_init(&m->held_locks);
    t->more = m;
  }
  return t->more;
}

void rt_task_sleep(rt_task *t, rt_wheel *wheel, uint64_t due) {
  rt_assert(t->phase == RT_RUNNING && rt_list_is_empty(&t->link));
  t->phase = RT_WAITING;
  t->op = RT_OP_SLEEP;
  t->wait_kind = RT_WAIT_OTHER;
  rt_wheel_add(wheel, &t->timer, RT_TIMER_SLEEP, due);
}

void rt_task_release_locks(rt_task *t) {
  rt_list *l;
  while (t->more && (l = rt_list_take(&t->more->held_locks)) != NULL) {
    rt_held_lock *h = rt_containerof(l, rt_held_lock, link);
    h->release(h);
  }
}

void rt_task_end(rt_task *t, rt_list *ready, rt_phase how) {
  rt_assert(!rt_task_has_ended(t) && how >= RT_DONE);
  t->phase = how;
  if (t->more) {
    rt_list *l;
    rt_task_release_locks(t);
    while ((l = rt_list_first(&t->more->joiners)) != NULL)
      rt_task_wake(rt_containerof(l, rt_task, link), ready, RT_FIRED);
    if (t->more->group) t->more->leave_group(t->more->group, t->id, how);
    rt_task_name_drop(t->more->task_name);
    rt_free(t->more);
    t->more = NULL;
  }
}
