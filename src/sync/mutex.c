/* Hand-off. An unlock that finds a waiter does not free the lock: 'locked' stays true, and the
** waiter is called. Until its task accepts, 'holder' is 0. A task that comes in between finds the
** mutex locked and queues, so it cannot overtake (no barging), and a woken task never has to try
** again. A waiter is withdrawn under the lock of the mutex. So a task that stops waiting either was
** called, and then has the mutex and has to accept and unlock it, or leaves the queue and will not
** be called. So the mutex is never handed to a task that does not unlock it. spec/model/mutex.c
** checks this.
**
** A task that ends releases its locks before its joiners are called (rt_task_release_locks).
*/
#include "sync/mutex.h"

#include "base/cycle.h"

void rt_mutex_free(rt_shared *shared) {
  rt_mutex *m = rt_mutex_of(shared);
  if (m->value) rt_message_drop(m->value);
  rt_shared_delete(shared, &m->lock);
}

/* Hands the mutex to the first waiter, or frees it. */
static void hand_over_locked(rt_mutex *m) {
  if (m->guard) m->guard->mutex = NULL;
  m->guard = NULL;
  rt_waiter *waiter = rt_waiter_next(&m->waiters);
  m->holder = 0;
  m->locked = waiter != NULL;
  if (waiter == NULL) return;
  m->waiting--;
  m->serial++;
  rt_waiter_call(waiter, RT_MUTEX_DONE);
}

/* The task that holds it has ended. */
static void release_at_end(rt_held_lock *h) {
  rt_mutex *m = rt_containerof(h, rt_mutex, held);
  rt_lock_take(&m->lock);
  hand_over_locked(m);
  rt_lock_give(&m->lock);
  rt_shared_drop_and_look(&m->shared, RT_SHARED_REF);
}

rt_mutex *rt_mutex_new(const rt_shared_kind *kind, rt_message *value) {
  rt_mutex *m = rt_shared_new(sizeof *m, offsetof(rt_mutex, lock), kind);
  if (m == NULL) return NULL;
  rt_list_init(&m->waiters);
  rt_list_init(&m->held.link);
  m->held.release = release_at_end;
  m->value = value;
  return m;
}

/* --- what it holds (base/cycle.h) ------------------------------------------------------------- */
/* The value is the holder's while the mutex is locked, so it is not visited then. */
static uint64_t mutex_visit(rt_shared *shared, rt_cycle_visitor *v) {
  rt_mutex *m = rt_mutex_of(shared);
  rt_lock_take(&m->lock);
  if (!m->locked) rt_cycle_visit_message(v, m->value);
  uint64_t changes = m->serial;
  rt_lock_give(&m->lock);
  return changes;
}

static bool mutex_has_links(rt_shared *shared) {
  rt_mutex *m = rt_mutex_of(shared);
  rt_lock_take(&m->lock);
  bool has_links = m->locked || (m->value != NULL && m->value->count > 0);
  rt_lock_give(&m->lock);
  return has_links;
}

static void mutex_empty(rt_shared *shared) {
  rt_mutex *m = rt_mutex_of(shared);
  if (m->value) rt_message_drop(m->value);
  m->value = NULL;
}

const rt_shared_content rt_mutex_content = {rt_cycle_drop, mutex_has_links, mutex_visit,
                                            mutex_empty};

/* --- locking ---------------------------------------------------------------------------------- */
static uint64_t holder_id(const rt_task *task) { return (uint64_t)task->id + 1; }

static void mutex_on_withdraw(rt_waiter *waiter) {
  rt_containerof(waiter->lock, rt_mutex, lock)->waiting--;
}

static void set_holder_locked(rt_mutex *m, rt_task *task) {
  m->holder = holder_id(task);
  rt_shared_hold(&m->shared);
  rt_list_append(&task->more->held_locks, &m->held.link);
}

static rt_mutex_result lock_locked(rt_mutex *m, rt_task *task) {
  if (m->settled) return RT_MUTEX_SETTLED;
  if (!m->locked) {
    m->locked = true;
    m->serial++;
    set_holder_locked(m, task);
    return RT_MUTEX_DONE;
  }
  return m->holder == holder_id(task) ? RT_MUTEX_ALREADY_HELD : RT_MUTEX_WAITS;
}

rt_mutex_result rt_mutex_lock(rt_mutex *m, rt_task *task) {
  rt_assert(task->more != NULL);
  rt_lock_take(&m->lock);
  rt_mutex_result result = lock_locked(m, task);
  rt_lock_give(&m->lock);
  return result;
}

bool rt_mutex_await(rt_mutex *m, rt_waiter *waiter) {
  rt_lock_take(&m->lock);
  bool waits = m->locked && !m->settled;
  if (waits) {
    waiter->on_withdraw = mutex_on_withdraw;
    m->waiting++;
    rt_waiter_enqueue(waiter, &m->waiters, &m->lock);
  }
  rt_lock_give(&m->lock);
  return waits;
}

void rt_mutex_accept(rt_mutex *m, rt_task *task) {
  rt_lock_take(&m->lock);
  rt_assert(m->locked && m->holder == 0);
  set_holder_locked(m, task);
  rt_lock_give(&m->lock);
}

/* --- unlocking -------------------------------------------------------------------------------- */
/* Called under the lock, and gives it back. The reference that the holder had is dropped after
** that, since it may be the last one. */
static bool unlock_locked(rt_mutex *m, bool held) {
  if (held) {
    rt_list_remove(&m->held.link);
    hand_over_locked(m);
  }
  rt_lock_give(&m->lock);
  if (held) rt_shared_drop(&m->shared);
  return held;
}

bool rt_mutex_unlock(rt_mutex *m, const rt_task *task) {
  rt_lock_take(&m->lock);
  return unlock_locked(m, m->holder == holder_id(task));
}

bool rt_mutex_unlock_serial(rt_mutex *m, uint64_t serial) {
  rt_lock_take(&m->lock);
  return unlock_locked(m, m->holder != 0 && m->serial == serial);
}

bool rt_mutex_is_held(rt_mutex *m, uint64_t serial) {
  rt_lock_take(&m->lock);
  bool held = m->holder != 0 && m->serial == serial;
  rt_lock_give(&m->lock);
  return held;
}

/* --- the value -------------------------------------------------------------------------------- */
void rt_mutex_set(rt_mutex *m, rt_message *value) {
  if (m->value) rt_message_drop(m->value);
  m->value = value;
  if (value && value->count > 0) rt_shared_note_link(&m->shared);
}

void rt_mutex_settle(rt_mutex *m, rt_message *value) {
  rt_mutex_set(m, value);
  rt_lock_take(&m->lock);
  m->settled = true;
  rt_waiter *waiter;
  while ((waiter = rt_waiter_next(&m->waiters)) != NULL) {
    m->waiting--;
    rt_waiter_call(waiter, RT_MUTEX_SETTLED);
  }
  unlock_locked(m, true);
}

bool rt_mutex_is_settled(rt_mutex *m) {
  rt_lock_take(&m->lock);
  bool settled = m->settled;
  rt_lock_give(&m->lock);
  return settled;
}

int64_t rt_mutex_inspect(rt_mutex *m, int *waiting) {
  rt_lock_take(&m->lock);
  int64_t holder = m->holder ? (int64_t)m->holder - 1 : m->locked ? -2 : -1;
  *waiting = m->waiting;
  rt_lock_give(&m->lock);
  return holder;
}
