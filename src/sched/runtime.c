/* The error of a failed job is reported at most once. Three threads may use its record at the same
** time: one that joins the job (forget_failure), one that drops its last reference (adopt_failure),
** and the main worker at its end (take_failure). (While the program runs, the main worker reports a
** late failure as one that joins it: rt_job_set_handled says who was first.) Each takes the record
** off the list under the lock of the runtime, and only the thread that has found the record there
** handles the error.
**
** The main worker may find a record whose job has no reference left: the thread that dropped the
** last one is on its way to adopt_failure. A count of 0 must not be incremented by another thread,
** so the main worker holds the job with rt_shared_try_hold, and leaves it alone if that fails.
** spec/model/runtime.c checks these cases, and a main worker that ends meanwhile.
*/
#include "sched/runtime.h"

static void free_runtime(rt_shared *shared) {
  rt_runtime *r = rt_containerof(shared, rt_runtime, shared);
  rt_shared_delete(shared, &r->lock);
}

static const rt_shared_kind runtime_kind = {.name = "runtime", .free = free_runtime};

rt_runtime *rt_runtime_new(rt_driver *main) {
  rt_runtime *r = rt_shared_new(sizeof *r, offsetof(rt_runtime, lock), &runtime_kind);
  if (r == NULL) return NULL;
  rt_list_init(&r->failures);
  rt_active_threads_enter(&r->active); /* for the main worker */
  r->main = main;
  return r;
}

static void post_locked(rt_runtime *r, rt_post *p) {
  if (r->main) rt_mailbox_post(&r->main->mailbox, p);
}

void rt_runtime_post(rt_runtime *r, rt_post *p) {
  rt_lock_take(&r->lock);
  post_locked(r, p);
  rt_lock_give(&r->lock);
}

void rt_runtime_request_exit(rt_runtime *r, int code) {
  rt_lock_take(&r->lock);
  if (!r->exit_posted) {
    r->exit_posted = true;
    r->exit_code = code;
    post_locked(r, &r->exit_post);
  }
  rt_lock_give(&r->lock);
}

void rt_runtime_request_shutdown(rt_runtime *r, uint64_t grace) {
  rt_lock_take(&r->lock);
  if (!r->shutdown_posted || grace < r->grace) r->grace = grace;
  if (!r->shutdown_posted) {
    r->shutdown_posted = true;
    post_locked(r, &r->shutdown_post);
  }
  rt_lock_give(&r->lock);
}

uint64_t rt_runtime_shutdown_received(rt_runtime *r) {
  rt_lock_take(&r->lock);
  r->shutdown_posted = false;
  uint64_t grace = r->grace;
  rt_lock_give(&r->lock);
  return grace;
}

void rt_runtime_add_counts(rt_runtime *r, uint64_t *of_main, uint64_t *own) {
  rt_lock_take(&r->lock);
  if (r->main) rt_counters_sum(of_main, r->main->counters);
  rt_lock_give(&r->lock);
  rt_counters_sum(own, &r->counts);
}

/* --- stillness -------------------------------------------------------------------------------- */
void rt_runtime_post_stillness(rt_runtime *r) {
  rt_lock_take(&r->lock);
  if (!r->stillness_posted) {
    r->stillness_posted = true;
    post_locked(r, &r->stillness_post);
  }
  rt_lock_give(&r->lock);
}

void rt_runtime_stillness_received(rt_runtime *r) {
  rt_lock_take(&r->lock);
  r->stillness_posted = false;
  rt_lock_give(&r->lock);
}

bool rt_runtime_main_is_asleep(rt_runtime *r) {
  rt_lock_take(&r->lock);
  bool asleep = r->main && rt_mailbox_is_asleep(&r->main->mailbox);
  rt_lock_give(&r->lock);
  return asleep;
}

void rt_runtime_thread_ended(rt_runtime *r) {
  if (rt_active_threads_leave(&r->active)) rt_runtime_post_stillness(r);
}

/* --- failures --------------------------------------------------------------------------------- */
void rt_runtime_record_failure(rt_runtime *r, rt_failure_record *f) {
  rt_lock_take(&r->lock);
  rt_list_append(&r->failures, &f->link);
  if (!r->failure_posted) {
    r->failure_posted = true;
    post_locked(r, &r->failure_post);
  }
  rt_lock_give(&r->lock);
}

void rt_runtime_failure_received(rt_runtime *r) {
  rt_lock_take(&r->lock);
  r->failure_posted = false;
  rt_lock_give(&r->lock);
}

void rt_runtime_forget_failure(rt_runtime *r, rt_failure_record *f) {
  rt_lock_take(&r->lock);
  rt_list_remove(&f->link);
  rt_lock_give(&r->lock);
}

bool rt_runtime_adopt_failure(rt_runtime *r, rt_failure_record *f) {
  rt_lock_take(&r->lock);
  bool adopted = !rt_list_is_empty(&f->link) && r->main != NULL;
  rt_list_remove(&f->link);
  if (adopted) {
    rt_shared_hold(f->owner); /* the count was 0: no other thread has a reference */
    f->post.deliver = r->on_unjoined_failure;
    post_locked(r, &f->post);
  }
  rt_lock_give(&r->lock);
  return adopted;
}

/* (The list is in the order of 'since', but for jobs that fail at the same moment.) */
rt_failure_record *rt_runtime_late_failure(rt_runtime *r, uint64_t due, uint64_t *next) {
  rt_failure_record *found = NULL;
  *next = 0;
  rt_lock_take(&r->lock);
  for (rt_list *l = r->failures.next; l != &r->failures && !found && !*next; l = l->next) {
    rt_failure_record *f = rt_containerof(l, rt_failure_record, link);
    if (f->grouped) continue;
    if (f->since > due)
      *next = f->since;
    else if (rt_shared_try_hold(f->owner))
      found = f;
  }
  rt_lock_give(&r->lock);
  return found;
}

rt_failure_record *rt_runtime_take_failure(rt_runtime *r) {
  rt_failure_record *found = NULL;
  rt_lock_take(&r->lock);
  for (rt_list *l = r->failures.next; l != &r->failures && found == NULL; l = l->next) {
    rt_failure_record *f = rt_containerof(l, rt_failure_record, link);
    if (rt_shared_try_hold(f->owner)) found = f;
  }
  if (found) rt_list_remove(&found->link);
  rt_lock_give(&r->lock);
  return found;
}

void rt_runtime_close(rt_runtime *r) {
  rt_lock_take(&r->lock);
  r->main = NULL;
  rt_lock_give(&r->lock);
}
