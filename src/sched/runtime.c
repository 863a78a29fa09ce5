#include "sched/runtime.h"

static void free_office(rt_thing *t) {
  rt_office *o = rt_containerof(t, rt_office, thing);
  rt_lock_close(&o->lock);
  rt_free(o);
}

static const rt_thing_kind kind = {.name = "office", .free = free_office};

rt_office *rt_office_new(rt_driver *main) {
  rt_office *o = rt_calloc(sizeof *o);
  if (o == NULL) return NULL;
  if (rt_lock_init(&o->lock) != 0) {
    rt_free(o);
    return NULL;
  }
  rt_thing_init(&o->thing, &kind);
  rt_list_init(&o->records);
  rt_astir_enter(&o->astir); /* for the main worker */
  o->main = main;
  return o;
}

static void post_locked(rt_office *o, rt_post *p) {
  if (o->main) rt_mailbox_post(&o->main->mailbox, p);
}

void rt_office_post(rt_office *o, rt_post *p) {
  rt_lock_take(&o->lock);
  post_locked(o, p);
  rt_lock_give(&o->lock);
}

void rt_office_ask_to_exit(rt_office *o, int code) {
  rt_lock_take(&o->lock);
  if (!o->exit_posted) {
    o->exit_posted = true;
    o->exit_code = code;
    post_locked(o, &o->exit_post);
  }
  rt_lock_give(&o->lock);
}

void rt_office_ask_for_shutdown(rt_office *o, uint64_t grace) {
  rt_lock_take(&o->lock);
  if (!o->shutdown_posted || grace < o->grace) o->grace = grace;
  if (!o->shutdown_posted) {
    o->shutdown_posted = true;
    post_locked(o, &o->shutdown_post);
  }
  rt_lock_give(&o->lock);
}

uint64_t rt_office_shutdown_seen(rt_office *o) {
  rt_lock_take(&o->lock);
  o->shutdown_posted = false;
  uint64_t grace = o->grace;
  rt_lock_give(&o->lock);
  return grace;
}

void rt_office_sum(rt_office *o, uint64_t *of_main, uint64_t *own) {
  rt_lock_take(&o->lock);
  if (o->main) rt_count_sum(of_main, o->main->counts);
  rt_lock_give(&o->lock);
  rt_count_sum(own, &o->counts);
}

/* --- stillness -------------------------------------------------------------------------------------- */
void rt_office_note_stillness(rt_office *o) {
  rt_lock_take(&o->lock);
  if (!o->stillness_posted) {
    o->stillness_posted = true;
    post_locked(o, &o->stillness_post);
  }
  rt_lock_give(&o->lock);
}

void rt_office_stillness_seen(rt_office *o) {
  rt_lock_take(&o->lock);
  o->stillness_posted = false;
  rt_lock_give(&o->lock);
}

bool rt_office_is_quiet(rt_office *o) {
  rt_lock_take(&o->lock);
  bool quiet = o->main && rt_mailbox_is_quiet(&o->main->mailbox);
  rt_lock_give(&o->lock);
  return quiet;
}

void rt_office_leave(rt_office *o) {
  if (rt_astir_leave(&o->astir)) rt_office_note_stillness(o);
}

/* --- errors that nobody has heard of ------------------------------------------------------------ */
void rt_office_note(rt_office *o, rt_record *r) {
  rt_lock_take(&o->lock);
  rt_list_append(&o->records, &r->link);
  if (!o->failure_posted) {
    o->failure_posted = true;
    post_locked(o, &o->failure_post);
  }
  rt_lock_give(&o->lock);
}

void rt_office_failure_seen(rt_office *o) {
  rt_lock_take(&o->lock);
  o->failure_posted = false;
  rt_lock_give(&o->lock);
}

void rt_office_forget(rt_office *o, rt_record *r) {
  rt_lock_take(&o->lock);
  rt_list_remove(&r->link);
  rt_lock_give(&o->lock);
}

bool rt_office_adopt(rt_office *o, rt_record *r) {
  rt_lock_take(&o->lock);
  bool adopted = !rt_list_empty(&r->link) && o->main != NULL;
  rt_list_remove(&r->link);
  if (adopted) {
    rt_thing_hold(r->whose); /* it had no holder left */
    r->post.deliver = o->on_orphan;
    post_locked(o, &r->post);
  }
  rt_lock_give(&o->lock);
  return adopted;
}

rt_record *rt_office_next(rt_office *o) {
  rt_record *found = NULL;
  rt_lock_take(&o->lock);
  for (rt_list *l = o->records.next; l != &o->records && found == NULL; l = l->next) {
    rt_record *r = rt_containerof(l, rt_record, link);
    /* (one that is just being freed comes by itself, as an orphan) */
    if (rt_thing_try_hold(r->whose)) found = r;
  }
  if (found) rt_list_remove(&found->link);
  rt_lock_give(&o->lock);
  return found;
}

void rt_office_close(rt_office *o) {
  rt_lock_take(&o->lock);
  o->main = NULL;
  rt_lock_give(&o->lock);
}
