#include "sched/runtime.h"

static void free_office(rt_shared *t) {
  rt_runtime *o = rt_containerof(t, rt_runtime, shared);
  rt_shared_delete(t, &o->lock);
}

static const rt_shared_kind kind = {.name = "office", .free = free_office};

rt_runtime *rt_runtime_new(rt_driver *main) {
  rt_runtime *o = rt_shared_new(sizeof *o, offsetof(rt_runtime, lock), &kind);
  if (o == NULL) return NULL;
  rt_list_init(&o->failures);
  rt_active_threads_enter(&o->active); /* for the main worker */
  o->main = main;
  return o;
}

static void post_locked(rt_runtime *o, rt_post *p) {
  if (o->main) rt_mailbox_post(&o->main->mailbox, p);
}

void rt_runtime_post(rt_runtime *o, rt_post *p) {
  rt_lock_take(&o->lock);
  post_locked(o, p);
  rt_lock_give(&o->lock);
}

void rt_runtime_request_exit(rt_runtime *o, int code) {
  rt_lock_take(&o->lock);
  if (!o->exit_posted) {
    o->exit_posted = true;
    o->exit_code = code;
    post_locked(o, &o->exit_post);
  }
  rt_lock_give(&o->lock);
}

void rt_runtime_request_shutdown(rt_runtime *o, uint64_t grace) {
  rt_lock_take(&o->lock);
  if (!o->shutdown_posted || grace < o->grace) o->grace = grace;
  if (!o->shutdown_posted) {
    o->shutdown_posted = true;
    post_locked(o, &o->shutdown_post);
  }
  rt_lock_give(&o->lock);
}

uint64_t rt_runtime_shutdown_received(rt_runtime *o) {
  rt_lock_take(&o->lock);
  o->shutdown_posted = false;
  uint64_t grace = o->grace;
  rt_lock_give(&o->lock);
  return grace;
}

void rt_runtime_add_counts(rt_runtime *o, uint64_t *of_main, uint64_t *own) {
  rt_lock_take(&o->lock);
  if (o->main) rt_count_sum(of_main, o->main->counts);
  rt_lock_give(&o->lock);
  rt_count_sum(own, &o->counts);
}

/* --- stillness -------------------------------------------------------------------------------------- */
void rt_runtime_post_stillness(rt_runtime *o) {
  rt_lock_take(&o->lock);
  if (!o->stillness_posted) {
    o->stillness_posted = true;
    post_locked(o, &o->stillness_post);
  }
  rt_lock_give(&o->lock);
}

void rt_runtime_stillness_received(rt_runtime *o) {
  rt_lock_take(&o->lock);
  o->stillness_posted = false;
  rt_lock_give(&o->lock);
}

bool rt_runtime_main_is_asleep(rt_runtime *o) {
  rt_lock_take(&o->lock);
  bool quiet = o->main && rt_mailbox_is_quiet(&o->main->mailbox);
  rt_lock_give(&o->lock);
  return quiet;
}

void rt_runtime_thread_ended(rt_runtime *o) {
  if (rt_active_threads_leave(&o->active)) rt_runtime_post_stillness(o);
}

/* --- errors that nobody has heard of ------------------------------------------------------------ */
void rt_runtime_record_failure(rt_runtime *o, rt_failure_record *r) {
  rt_lock_take(&o->lock);
  rt_list_append(&o->failures, &r->link);
  if (!o->failure_posted) {
    o->failure_posted = true;
    post_locked(o, &o->failure_post);
  }
  rt_lock_give(&o->lock);
}

void rt_runtime_failure_received(rt_runtime *o) {
  rt_lock_take(&o->lock);
  o->failure_posted = false;
  rt_lock_give(&o->lock);
}

void rt_runtime_forget_failure(rt_runtime *o, rt_failure_record *r) {
  rt_lock_take(&o->lock);
  rt_list_remove(&r->link);
  rt_lock_give(&o->lock);
}

bool rt_runtime_adopt_failure(rt_runtime *o, rt_failure_record *r) {
  rt_lock_take(&o->lock);
  bool adopted = !rt_list_empty(&r->link) && o->main != NULL;
  rt_list_remove(&r->link);
  if (adopted) {
    rt_shared_hold(r->owner); /* it had no holder left */
    r->post.deliver = o->on_unjoined_failure;
    post_locked(o, &r->post);
  }
  rt_lock_give(&o->lock);
  return adopted;
}

rt_failure_record *rt_runtime_take_failure(rt_runtime *o) {
  rt_failure_record *found = NULL;
  rt_lock_take(&o->lock);
  for (rt_list *l = o->failures.next; l != &o->failures && found == NULL; l = l->next) {
    rt_failure_record *r = rt_containerof(l, rt_failure_record, link);
    /* (one that is just being freed comes by itself, as an orphan) */
    if (rt_shared_try_hold(r->owner)) found = r;
  }
  if (found) rt_list_remove(&found->link);
  rt_lock_give(&o->lock);
  return found;
}

void rt_runtime_close(rt_runtime *o) {
  rt_lock_take(&o->lock);
  o->main = NULL;
  rt_lock_give(&o->lock);
}
