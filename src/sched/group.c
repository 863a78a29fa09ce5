/* Cancelling against entering. rt_group_cancel sets 'cancelled' under the lock and then cancels the
** members of the list, one at a time, with the lock given back in between. A job enters under the
** same lock:
** - If it enters first, it is on the list when 'cancelled' is set, and is cancelled from there.
** - If it enters later, rt_group_enter returns false, and its creator cancels it. Its
**   cancel_sent is set, so the loop over the list ends even while jobs keep entering.
** A job leaves the list under the lock when it ends, and the worker that ends it holds it. So every
** job on the list can be held there, and is still valid when it is cancelled without the lock.
**
** Beginning to cancel. The members are cancelled one after the other. A member that was cancelled
** early may end and, for example, close a channel for which another member waits, before that one
** gets its cancel. 'cancelling' was set before the first member was cancelled, so the other member
** sees it (rt_job_is_cancelling) and raises its cancel, not the error about the channel.
**
** Giving the tasks that have ended. The end of a task adds its id to 'ended' and, if a waiter is in
** 'nexts', calls that one: then one more of the ids is promised. A task that asks meanwhile gets an
** id only if there are more than promised. So each id is given once, and waiters come first.
**
** spec/model/group.c checks that a cancel reaches every job, and that waiters and watchers are
** called, and that each task that has ended is given once.
*/
#include "sched/group.h"

enum { ANSWER_NONE_LEFT, ANSWER_TASK };

static rt_group_member *member_of(rt_list *l) { return rt_containerof(l, rt_group_member, link); }

void rt_group_free(rt_shared *shared) {
  rt_group *g = rt_group_of(shared);
  rt_id_queue_close(&g->ended);
  rt_shared_delete(shared, &g->lock);
}

rt_group *rt_group_new(const rt_shared_kind *kind, rt_group_policy policy,
                       void (*cancel)(rt_shared *)) {
  rt_group *g = rt_shared_new(sizeof *g, offsetof(rt_group, lock), kind);
  if (g == NULL) return NULL;
  g->cancel = cancel;
  g->policy = policy;
  rt_list_init(&g->members);
  rt_list_init(&g->waiters);
  rt_list_init(&g->watchers);
  rt_list_init(&g->nexts);
  return g;
}

bool rt_group_enter(rt_group *g, rt_group_member *m, rt_shared *owner) {
  rt_shared_hold(&g->shared);
  m->group = g;
  m->owner = owner;
  rt_lock_take(&g->lock);
  rt_list_append(&g->members, &m->link);
  g->live++;
  bool cancelled = m->cancel_sent = g->cancelled;
  rt_lock_give(&g->lock);
  return !cancelled;
}

static bool decides(rt_group_policy policy, rt_phase how) {
  switch (policy) {
    case RT_GROUP_ALL_COMPLETED: return false;
    case RT_GROUP_FIRST_FAILURE: return how == RT_FAILED;
    case RT_GROUP_FIRST_SUCCESS: return how == RT_DONE;
    case RT_GROUP_FIRST_UNSUCCESSFUL: return how != RT_DONE;
    case RT_GROUP_FIRST_COMPLETED: return true;
  }
  return false;
}

static void call_next_locked(rt_group *g) {
  rt_waiter *waiter = rt_waiter_next(&g->nexts);
  if (waiter == NULL) return;
  g->promised++;
  rt_waiter_call(waiter, ANSWER_TASK);
}

static void keep_ended_locked(rt_group *g, uint64_t id) {
  if (g->ended.count >= RT_GROUP_ENDED_MAX && !g->gives_ended) {
    g->keeps_ended = false;
    rt_id_queue_close(&g->ended);
    return;
  }
  rt_id_queue_add(&g->ended, id);
  call_next_locked(g);
}

static void count_end_locked(rt_group *g, uint64_t id, rt_phase how, bool forgotten) {
  g->live--;
  if (g->keeps_ended && !forgotten) keep_ended_locked(g, id);
  if (g->live == 0) rt_waiter_call_all(&g->nexts, ANSWER_NONE_LEFT);
  if (!g->decided && decides(g->policy, how)) {
    g->decided = true;
    g->decider = id;
    rt_waiter_call_all(&g->watchers, 0);
    rt_waiter_call_all(&g->waiters, 0);
  } else if (g->live == 0) {
    rt_waiter_call_all(&g->waiters, 0);
  }
}

/* (The group is not freed meanwhile: the caller holds the job, and the job holds the group.) */
void rt_group_leave(rt_group_member *m, uint64_t id, rt_phase how) {
  rt_group *g = m->group;
  rt_lock_take(&g->lock);
  rt_list_remove(&m->link);
  count_end_locked(g, id, how, m->forgotten);
  rt_lock_give(&g->lock);
}

bool rt_group_enter_local(rt_group *g) {
  rt_shared_hold(&g->shared);
  rt_lock_take(&g->lock);
  g->live++;
  bool cancelled = g->cancelled;
  rt_lock_give(&g->lock);
  return !cancelled;
}

void rt_group_leave_local(rt_group *g, uint64_t id, rt_phase how) {
  rt_lock_take(&g->lock);
  count_end_locked(g, id, how, false);
  rt_lock_give(&g->lock);
  rt_shared_drop(&g->shared);
}

void rt_group_begin_cancel(rt_group *g) {
  rt_lock_take(&g->lock);
  g->cancelling = true;
  rt_lock_give(&g->lock);
}

bool rt_group_is_cancelling(rt_group *g) {
  rt_lock_take(&g->lock);
  bool cancelling = g->cancelling;
  rt_lock_give(&g->lock);
  return cancelling;
}

static rt_shared *next_to_cancel(rt_group *g) {
  rt_shared *owner = NULL;
  rt_lock_take(&g->lock);
  if (!g->cancelled) rt_waiter_call_all(&g->watchers, 0);
  g->cancelled = true;
  for (rt_list *l = g->members.next; l != &g->members; l = l->next) {
    rt_group_member *m = member_of(l);
    if (m->cancel_sent) continue;
    m->cancel_sent = true;
    rt_list_remove(l); /* move it to the end, so that members to be cancelled come first */
    rt_list_append(&g->members, l);
    owner = m->owner;
    rt_shared_hold(owner);
    break;
  }
  rt_lock_give(&g->lock);
  return owner;
}

void rt_group_cancel(rt_group *g) {
  rt_shared *owner;
  rt_group_begin_cancel(g);
  while ((owner = next_to_cancel(g)) != NULL) {
    g->cancel(owner);
    rt_shared_drop(owner);
  }
}

bool rt_group_await(rt_group *g, rt_waiter *waiter, bool all) {
  rt_lock_take(&g->lock);
  bool over = g->live == 0 || (g->decided && !all);
  if (!over) rt_waiter_enqueue(waiter, &g->waiters, &g->lock);
  rt_lock_give(&g->lock);
  return over;
}

bool rt_group_watch(rt_group *g, rt_waiter *waiter) {
  rt_lock_take(&g->lock);
  bool over = g->decided || g->cancelled;
  if (!over) rt_waiter_enqueue(waiter, &g->watchers, &g->lock);
  rt_lock_give(&g->lock);
  return over;
}

/* --- the tasks that have ended ---------------------------------------------------------------- */
void rt_group_keep_ended(rt_group *g) { g->keeps_ended = true; }

bool rt_group_keeps_ended(rt_group *g) {
  rt_lock_take(&g->lock);
  bool keeps = g->keeps_ended;
  rt_lock_give(&g->lock);
  return keeps;
}

/* Makes room for the tasks that are live and 'more' ones, when they will have ended. */
static bool make_room_locked(rt_group *g, int more) {
  int count = g->ended.count + g->live + more;
  if (!g->gives_ended && count > RT_GROUP_ENDED_MAX) count = RT_GROUP_ENDED_MAX;
  return rt_id_queue_reserve(&g->ended, count);
}

bool rt_group_make_room(rt_group *g) {
  rt_lock_take(&g->lock);
  bool made = !g->keeps_ended || make_room_locked(g, 1);
  rt_lock_give(&g->lock);
  return made;
}

void rt_group_forget(rt_group_member *m) {
  if (m->group == NULL) return;
  rt_lock_take(&m->group->lock);
  m->forgotten = true;
  rt_lock_give(&m->group->lock);
}

int rt_group_give_ended(rt_group *g) {
  rt_lock_take(&g->lock);
  bool had = g->gives_ended;
  g->gives_ended = true;
  int err = !g->keeps_ended ? UV_ENOBUFS : make_room_locked(g, 0) ? 0 : UV_ENOMEM;
  if (err != 0) g->gives_ended = had;
  rt_lock_give(&g->lock);
  return err;
}

static bool next_locked(rt_group *g, uint64_t *id) {
  bool has_one = g->ended.count > g->promised;
  *id = has_one ? rt_id_queue_take(&g->ended) : 0;
  return has_one || g->live == 0;
}

bool rt_group_next(rt_group *g, uint64_t *id) {
  rt_lock_take(&g->lock);
  bool done = next_locked(g, id);
  rt_lock_give(&g->lock);
  return done;
}

bool rt_group_await_next(rt_group *g, rt_waiter *waiter) {
  rt_lock_take(&g->lock);
  bool waits = g->ended.count == g->promised && g->live > 0;
  if (waits) rt_waiter_enqueue(waiter, &g->nexts, &g->lock);
  rt_lock_give(&g->lock);
  return waits;
}

uint64_t rt_group_take_promised(rt_group *g, int answer) {
  if (answer != ANSWER_TASK) return 0;
  rt_lock_take(&g->lock);
  g->promised--;
  uint64_t id = rt_id_queue_take(&g->ended);
  rt_lock_give(&g->lock);
  return id;
}

void rt_group_give_back(rt_group *g, int answer) {
  if (answer != ANSWER_TASK) return;
  rt_lock_take(&g->lock);
  g->promised--;
  call_next_locked(g);
  rt_lock_give(&g->lock);
}

int rt_group_live(rt_group *g) {
  rt_lock_take(&g->lock);
  int live = g->live;
  rt_lock_give(&g->lock);
  return live;
}

uint64_t rt_group_decider(rt_group *g) {
  rt_lock_take(&g->lock);
  uint64_t id = g->decider;
  rt_lock_give(&g->lock);
  return id;
}
