/* Lock order: the lock of a job, then that of the runtime. A failure is recorded under both, before
** the joiners are called: a joiner may mark it as handled at once. The lock of the group is taken
** after that of the job was given back.
*/
#include "sched/job.h"

#include "task/task_name.h"

void rt_job_free(rt_shared *shared) {
  rt_job *j = rt_job_of(shared);
  if (rt_runtime_adopt_failure(j->runtime, &j->failure)) return;
  if (j->call) rt_message_drop(j->call);
  if (j->result) rt_message_drop(j->result);
  if (j->reason) rt_message_drop(j->reason);
  if (j->outcome) rt_message_drop(j->outcome);
  rt_task_name_drop(j->task_name);
  rt_runtime_drop(j->runtime);
  if (j->member.group) rt_shared_drop(&j->member.group->shared);
  rt_shared_delete(shared, &j->lock);
}

rt_job *rt_job_new(const rt_shared_kind *kind, rt_runtime *r, uint64_t id, const char *site,
                   rt_message *call) {
  size_t len = strlen(site) + 1;
  rt_job *j = rt_shared_new(sizeof *j + len, offsetof(rt_job, lock), kind);
  if (j == NULL) return NULL;
  rt_list_init(&j->link);
  rt_list_init(&j->joiners);
  rt_list_init(&j->failure.link);
  rt_list_init(&j->member.link);
  j->failure.owner = &j->shared;
  j->id = id;
  j->runtime = rt_runtime_hold(r);
  j->site = memcpy(j + 1, site, len);
  j->call = call;
  j->phase = RT_QUEUED;
  return j;
}

bool rt_job_begin(rt_job *j, rt_driver *driver, void (*on_cancel)(rt_post *, void *)) {
  rt_lock_take(&j->lock);
  bool begins = j->phase == RT_QUEUED;
  if (begins) {
    j->phase = RT_RUNNING;
    j->driver = driver;
    j->cancel_post.deliver = on_cancel;
  }
  rt_lock_give(&j->lock);
  return begins;
}

static void leave_group(rt_job *j, rt_phase how) {
  if (j->member.group) rt_group_leave(&j->member, j->id, how);
}

/* Drops the call if it was not unpacked. That closes sockets that were sent with it. */
static void drop_call(rt_job *j) {
  if (j->call) rt_message_drop(j->call);
  j->call = NULL;
}

static void count_not_started(rt_job *j, rt_phase how) {
  rt_counters_add_shared(&j->runtime->counts, RT_COUNT_UNSTARTED);
  rt_counters_add_shared(&j->runtime->counts, (rt_counter)(RT_COUNT_DONE + (how - RT_DONE)));
}

static void end_locked(rt_job *j, rt_phase how) {
  j->phase = how;
  j->driver = NULL;
  rt_waiter_call_all(&j->joiners, 0);
}

void rt_job_end(rt_job *j, rt_phase how, rt_message *outcome, const char *error_text) {
  drop_call(j);
  rt_lock_take(&j->lock);
  j->outcome = outcome;
  j->error_text = error_text;
  j->failure.since = how == RT_FAILED ? rt_clock() : 0;
  j->failure.grouped = j->member.group != NULL;
  if (how == RT_FAILED) rt_runtime_record_failure(j->runtime, &j->failure);
  end_locked(j, how);
  rt_lock_give(&j->lock);
  leave_group(j, how);
}

void rt_job_end_not_started(rt_job *j, rt_phase how, const char *error_text) {
  count_not_started(j, how);
  rt_job_end(j, how, NULL, error_text);
}

/* The job was cancelled in its queue. (The worker that takes it drops it: rt_job_begin fails.) */
static void end_in_queue(rt_job *j) {
  count_not_started(j, RT_CANCELLED);
  drop_call(j);
  rt_lock_take(&j->lock);
  end_locked(j, RT_CANCELLED);
  rt_lock_give(&j->lock);
  leave_group(j, RT_CANCELLED);
}

bool rt_job_cancel(rt_job *j, rt_message *reason) {
  rt_lock_take(&j->lock);
  bool first = !rt_job_was_cancelled(j) && j->phase < RT_DONE;
  bool pending = j->phase < RT_DONE;
  bool ends = first && j->phase == RT_QUEUED;
  if (first) {
    rt_store(&j->cancelled, true);
    j->reason = reason;
    reason = NULL;
    if (ends) {
      j->phase = RT_RUNNING;
    } else if (j->driver) { /* (NULL: end_jobs of slot.c is ending it as failed) */
      rt_job_hold(j);       /* for the post */
      rt_mailbox_post(&j->driver->mailbox, &j->cancel_post);
    }
  }
  rt_lock_give(&j->lock);
  if (ends) end_in_queue(j);
  if (reason) rt_message_drop(reason);
  return pending;
}

/* (Relaxed: 'waits' is for display only.) */
rt_phase rt_job_status(rt_job *j) {
  rt_phase phase = rt_job_phase(j);
  return phase == RT_RUNNING && rt_load_relaxed(&j->waits) ? RT_WAITING : phase;
}

bool rt_job_is_cancelling(rt_job *j) {
  rt_lock_take(&j->lock);
  bool cancelled = rt_job_was_cancelled(j);
  rt_lock_give(&j->lock);
  return cancelled || (j->member.group && rt_group_is_cancelling(j->member.group));
}

rt_phase rt_job_phase(rt_job *j) {
  rt_lock_take(&j->lock);
  rt_phase phase = j->phase;
  rt_lock_give(&j->lock);
  return phase;
}

bool rt_job_await(rt_job *j, rt_waiter *waiter) {
  rt_lock_take(&j->lock);
  bool ended = j->phase >= RT_DONE;
  if (!ended) rt_waiter_enqueue(waiter, &j->joiners, &j->lock);
  rt_lock_give(&j->lock);
  return ended;
}

bool rt_job_set_handled(rt_job *j) {
  rt_lock_take(&j->lock);
  bool first = !j->handled;
  j->handled = true;
  rt_lock_give(&j->lock);
  if (first) rt_runtime_forget_failure(j->runtime, &j->failure);
  return first;
}

int rt_job_set_name(rt_job *j, const char *name) {
  rt_task_name *task_name = NULL;
  if (name && (task_name = rt_task_name_new(j->id, name)) == NULL) return UV_ENOMEM;
  rt_lock_take(&j->lock);
  rt_task_name *before = j->task_name;
  j->task_name = task_name;
  rt_lock_give(&j->lock);
  rt_task_name_drop(before);
  return 0;
}

bool rt_job_get_name(rt_job *j, char *name, size_t size) {
  *name = '\0';
  rt_lock_take(&j->lock);
  bool has = j->task_name != NULL;
  if (has) strncat(name, j->task_name->text, size - 1);
  rt_lock_give(&j->lock);
  return has;
}
