/* No task is missed or counted twice. The queues are copied first, while stealing is paused, so a
** job cannot move from a queue that is still to be read to one that has been read. Then the workers
** are asked. A job that is started in between is in the copy and in the reply of its worker:
** remove_started takes it out of the copy. (A job that ends in between may still be shown.)
**
** Lock order: requests are posted under the lock of the registry, so no worker ends meanwhile and
** its mailbox exists. The lock of a snapshot is taken with no other lock held.
*/
#include "diag/snapshot.h"

#include "sched/sched.h"
#include "task/task_name.h"

/* --- one reply -------------------------------------------------------------------------------- */
static void close_reply(rt_snapshot_reply *reply) {
  rt_free(reply->tasks);
  rt_buf_close(&reply->texts);
}

static size_t add_text(rt_snapshot_reply *reply, const char *text) {
  size_t at = rt_buf_len(&reply->texts);
  return text && rt_buf_put(&reply->texts, text, strlen(text) + 1) == 0 ? at : 0;
}

static bool grow_reply(rt_snapshot_reply *reply) {
  size_t capacity = reply->capacity ? reply->capacity * 2 : 16;
  if (reply->count < reply->capacity) return true;
  rt_task_info *more = rt_realloc(reply->tasks, capacity * sizeof *more);
  if (more == NULL) return false;
  reply->tasks = more;
  reply->capacity = capacity;
  return true;
}

static double seconds_since(uint32_t timestamp) {
  return rt_driver_timestamp_seconds(rt_driver_timestamp(rt_clock()) -
                                     timestamp); /* (the coarse clock may be behind) */
}

rt_task_info *rt_snapshot_reply_add(rt_snapshot_reply *reply, const rt_task *t, const char *site,
                                    const char *name) {
  bool ready = rt_buf_len(&reply->texts) > 0 ||
               rt_buf_put(&reply->texts, "", 1) == 0; /* position 0 means none */
  if (!ready || !grow_reply(reply)) {
    reply->omitted++;
    return NULL;
  }
  rt_task_info *info = &reply->tasks[reply->count++];
  *info = (rt_task_info){.id = t->id, .phase = t->phase, .op = t->op, .is_main = t->is_main};
  if (t->phase == RT_WAITING) info->waited = seconds_since(t->since);
  info->site = add_text(reply, site);
  info->name = add_text(reply, name);
  return info;
}

/* --- jobs in the queues ----------------------------------------------------------------------- */
static void add_queue(rt_snapshot_reply *reply, rt_runq *q) {
  size_t max = (size_t)rt_runq_count(q), n;
  rt_job **jobs = max > 0 ? rt_malloc(max * sizeof *jobs) : NULL;
  if (jobs == NULL) {
    reply->omitted += (int64_t)max;
    return;
  }
  n = rt_runq_peek(q, jobs, max);
  for (size_t i = 0; i < n; i++) {
    char name[64];
    rt_task t = {.id = jobs[i]->id, .phase = RT_QUEUED};
    bool has_name = rt_job_get_name(jobs[i], name, sizeof name);
    /* (a job that was cancelled in the queue has ended) */
    rt_task_info *info =
        rt_job_phase(jobs[i]) == RT_QUEUED
            ? rt_snapshot_reply_add(reply, &t, jobs[i]->site, has_name ? name : NULL)
            : NULL;
    if (info) info->worker = -1;
    rt_job_drop(jobs[i]);
  }
  rt_free(jobs);
}

/* Drops the scheduler. */
static void add_queues_of(rt_snapshot_reply *reply, rt_sched *s) {
  rt_sched_pause_stealing(s);
  for (int i = 0; i < s->config.slots; i++) {
    add_queue(reply, &s->slots[i].queue);
    add_queue(reply, &s->slots[i].pinned);
  }
  rt_sched_resume_stealing(s);
  rt_sched_drop(s);
}

/* The queues of all pools of the runtime (NULL: of the process). */
static void add_all_queues(rt_snapshot *s, const void *runtime) {
  enum { POOLS_MAX = 16 };
  rt_sched *pools[POOLS_MAX];
  int n = 0;
  rt_worker_status *status;
  rt_list *workers = rt_worker_registry_lock();
  rt_worker_registry_each(status, workers) {
    for (int i = 0; i < 2 && n < POOLS_MAX; i++)
      if (status->pools[i] && (runtime == NULL || status->runtime == runtime))
        pools[n++] = rt_sched_hold(status->pools[i]);
  }
  rt_worker_registry_unlock();
  while (n-- > 0) add_queues_of(&s->queued, pools[n]);
}

/* --- asking ----------------------------------------------------------------------------------- */
static void free_snapshot(rt_shared *shared) {
  rt_snapshot *s = rt_containerof(shared, rt_snapshot, shared);
  for (int i = 0; i < s->count; i++) close_reply(&s->requests[i].reply);
  close_reply(&s->queued);
  rt_cond_close(&s->reply_ended);
  rt_shared_delete(shared, &s->lock);
}

static const rt_shared_kind snapshot_kind = {.name = "snapshot", .free = free_snapshot};

static rt_snapshot *new_snapshot(int max) {
  size_t size = sizeof(rt_snapshot) + (size_t)max * sizeof(rt_snapshot_request);
  rt_snapshot *s = rt_shared_new(size, offsetof(rt_snapshot, lock), &snapshot_kind);
  if (s == NULL) return NULL;
  if (rt_cond_init(&s->reply_ended) == 0) return s;
  rt_shared_delete(&s->shared, &s->lock);
  return NULL;
}

/* (Relaxed: 'load' is a number for display. Acquire: see rt_worker_status_set_running.) */
static void copy_status(rt_snapshot_request *q, rt_worker_status *s) {
  uint64_t since = rt_load(&s->running_since), now = rt_clock();
  memcpy(q->name, s->name, sizeof q->name);
  q->in_blocking_pool = s->in_blocking_pool;
  q->load = s->load ? rt_load_relaxed(s->load) : 0;
  q->was_asleep = rt_mailbox_is_asleep(s->mailbox);
  q->title = rt_load_acquire(&s->running_title) & ~RT_TITLE_SEEN;
  q->running_for = since && now > since ? (double)(now - since) / (double)RT_SECOND : 0;
  const rt_task t = {.title = q->title};
  if (q->title) strncat(q->site, s->site_text(s, t.site), sizeof q->site - 1);
}

/* A worker that was reported as stuck is not asked: the caller would only wait for its limit. */
static void ask_locked(rt_snapshot *s, rt_worker_status *status, const rt_worker_status *own) {
  rt_snapshot_request *q = &s->requests[s->count++];
  copy_status(q, status);
  q->snapshot = s;
  if (status == own) {
    s->own = q;
    q->state = RT_SNAPSHOT_REPLIED;
  } else if (rt_load(&status->reported_stuck)) {
    q->state = RT_SNAPSHOT_NOT_ASKED;
  } else {
    q->post.deliver = status->on_snapshot_request;
    rt_shared_hold(&s->shared);
    rt_mailbox_post(status->mailbox, &q->post);
  }
}

static bool is_asked(const rt_worker_status *s, const rt_worker_status *own, const void *runtime) {
  return own == NULL || s == own || (runtime != NULL && s->runtime == runtime);
}

static const void *runtime_of(const rt_worker_status *own) {
  rt_worker_registry_lock();
  const void *runtime = own ? own->runtime : NULL;
  rt_worker_registry_unlock();
  return runtime;
}

static int count_workers(void) {
  int n = 0;
  rt_list *workers = rt_worker_registry_lock();
  for (rt_list *l = workers->next; l != workers; l = l->next) n++;
  rt_worker_registry_unlock();
  return n;
}

rt_snapshot *rt_snapshot_new(const rt_worker_status *own, bool with_tracebacks, uint64_t until) {
  int max = count_workers() + 4; /* workers may be added before they are asked */
  rt_snapshot *s = new_snapshot(max);
  rt_worker_status *status;
  if (s == NULL) return NULL;
  const void *runtime = runtime_of(own);
  s->began = rt_clock();
  s->with_tracebacks = with_tracebacks;
  s->until = until;
  if (own == NULL || runtime) add_all_queues(s, runtime);
  rt_list *workers = rt_worker_registry_lock();
  rt_worker_registry_each(status, workers) {
    if (s->count < max && is_asked(status, own, runtime)) ask_locked(s, status, own);
  }
  rt_worker_registry_unlock();
  for (int i = 0; i < s->count; i++) {
    rt_snapshot_request *q = &s->requests[i];
    const rt_task t = {.title = q->title};
    if (q->title) rt_task_name_find(t.id, q->task_name, sizeof q->task_name);
  }
  return s;
}

/* --- replies ---------------------------------------------------------------------------------- */
bool rt_snapshot_request_begin(rt_snapshot_request *q) {
  rt_snapshot *s = q->snapshot;
  rt_lock_take(&s->lock);
  bool wanted = !s->closed;
  if (wanted) q->state = RT_SNAPSHOT_REPLYING;
  rt_lock_give(&s->lock);
  if (!wanted) rt_shared_drop(&s->shared);
  return wanted;
}

void rt_snapshot_request_end(rt_snapshot_request *q) {
  rt_snapshot *s = q->snapshot;
  rt_lock_take(&s->lock);
  q->state = RT_SNAPSHOT_REPLIED;
  rt_cond_signal(&s->reply_ended);
  rt_lock_give(&s->lock);
  rt_shared_drop(&s->shared);
}

/* A worker that has begun to reply may finish; one of the blocking pool, which is likely to be in a
** call that blocks, gets 20 ms. */
static bool is_awaited_locked(const rt_snapshot *s, const rt_snapshot_request *q, uint64_t now,
                              uint64_t until) {
  if (q->state == RT_SNAPSHOT_REPLYING)
    return now < until + RT_SNAPSHOT_REPLY_TIME || s->until == UINT64_MAX;
  if (q->state != RT_SNAPSHOT_ASKED) return false;
  return now < (q->in_blocking_pool ? s->began + 20 * RT_MILLISECOND : until);
}

static bool is_incomplete_locked(const rt_snapshot *s, uint64_t until) {
  uint64_t now = rt_clock();
  for (int i = 0; i < s->count; i++)
    if (is_awaited_locked(s, &s->requests[i], now, until)) return true;
  return false;
}

static int by_number(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static int by_id(const void *a, const void *b) {
  return by_number(&((const rt_task_info *)a)->id, &((const rt_task_info *)b)->id);
}

/* The ids of all tasks in the replies, sorted; NULL: none, or no memory. */
static uint64_t *replied_ids(const rt_snapshot *s, size_t *n) {
  size_t max = 0;
  for (int i = 0; i < s->count; i++) max += s->requests[i].replied ? s->requests[i].reply.count : 0;
  uint64_t *ids = max > 0 ? rt_malloc(max * sizeof *ids) : NULL;
  *n = 0;
  for (int i = 0; i < s->count && ids; i++)
    for (size_t k = 0; s->requests[i].replied && k < s->requests[i].reply.count; k++)
      ids[(*n)++] = s->requests[i].reply.tasks[k].id;
  if (ids) qsort(ids, *n, sizeof *ids, by_number);
  return ids;
}

/* Removes the jobs from the copy of the queues that are in the reply of a worker. */
static void remove_started(rt_snapshot *s) {
  rt_snapshot_reply *reply = &s->queued;
  size_t n, kept = 0;
  if (reply->count == 0) return;
  uint64_t *started = replied_ids(s, &n);
  qsort(reply->tasks, reply->count, sizeof *reply->tasks, by_id);
  for (size_t i = 0; i < reply->count; i++) {
    const rt_task_info *info = &reply->tasks[i];
    if (started && bsearch(&info->id, started, n, sizeof *started, by_number)) continue;
    reply->tasks[kept++] = *info;
  }
  reply->count = kept;
  rt_free(started);
}

void rt_snapshot_wait(rt_snapshot *s, uint64_t until, void (*serve)(void *), void *arg) {
  rt_lock_take(&s->lock);
  while (is_incomplete_locked(s, until)) {
    uint64_t next = rt_clock() + RT_MILLISECOND;
    if (!rt_cond_wait_until(&s->reply_ended, &s->lock, next) && serve) {
      rt_lock_give(&s->lock);
      serve(arg);
      rt_lock_take(&s->lock);
    }
  }
  s->closed = true;
  for (int i = 0; i < s->count; i++)
    s->requests[i].replied = s->requests[i].state == RT_SNAPSHOT_REPLIED;
  rt_lock_give(&s->lock);
  remove_started(s);
}

void rt_snapshot_drop(rt_snapshot *s) { rt_shared_drop(&s->shared); }
