#include "diag/snapshot.h"

#include "task/task_name.h"
#include "sched/sched.h"

/* --- one answer ------------------------------------------------------------------------------- */
static void close_answer(rt_snapshot_reply *a) {
  rt_free(a->tasks);
  rt_buf_close(&a->texts);
}

static size_t put_text(rt_snapshot_reply *a, const char *text) {
  size_t at = rt_buf_len(&a->texts);
  return text && rt_buf_put(&a->texts, text, strlen(text) + 1) == 0 ? at : 0;
}

static bool make_room(rt_snapshot_reply *a) {
  size_t room = a->room ? a->room * 2 : 16;
  if (a->count < a->room) return true;
  rt_task_info *more = rt_realloc(a->tasks, room * sizeof *more);
  if (more == NULL) return false;
  a->tasks = more;
  a->room = room;
  return true;
}

static double seconds_since(uint32_t moment) {
  return rt_moment_seconds(rt_moment_of(rt_clock()) - moment); /* (the coarse one may be behind) */
}

rt_task_info *rt_snapshot_reply_add(rt_snapshot_reply *a, const rt_task *t, const char *site,
                                    const char *name) {
  bool ready = rt_buf_len(&a->texts) > 0 || rt_buf_put(&a->texts, "", 1) == 0; /* 0 is none */
  if (!ready || !make_room(a)) {
    a->omitted++;
    return NULL;
  }
  rt_task_info *f = &a->tasks[a->count++];
  *f = (rt_task_info){.id = t->id, .phase = t->phase, .op = t->op, .is_main = t->is_main};
  if (t->phase == RT_WAITING) f->waited = seconds_since(t->since);
  f->site = put_text(a, site);
  f->name = put_text(a, name);
  return f;
}

/* --- jobs that nobody has begun --------------------------------------------------------------- */
static void add_jobs(rt_snapshot_reply *a, rt_runq *q) {
  size_t most = (size_t)rt_runq_count(q), n;
  rt_job **jobs = most > 0 ? rt_malloc(most * sizeof *jobs) : NULL;
  if (jobs == NULL) {
    a->omitted += (int64_t)most;
    return;
  }
  n = rt_runq_peek(q, jobs, most);
  for (size_t i = 0; i < n; i++) {
    char name[64];
    rt_task t = {.id = jobs[i]->id, .phase = RT_QUEUED};
    bool has_name = rt_job_get_name(jobs[i], name, sizeof name);
    /* (one that was cancelled in its queue has ended) */
    rt_task_info *f = rt_job_phase(jobs[i]) == RT_QUEUED
                          ? rt_snapshot_reply_add(a, &t, jobs[i]->site, has_name ? name : NULL)
                          : NULL;
    if (f) f->worker = -1;
    rt_job_drop(jobs[i]);
  }
  rt_free(jobs);
}

static void add_unbegun(rt_snapshot_reply *a, rt_sched *s) {
  rt_sched_pause_stealing(s);
  for (int i = 0; i < s->config.slots; i++) {
    add_jobs(a, &s->slots[i].queue);
    add_jobs(a, &s->slots[i].pinned);
  }
  rt_sched_resume_stealing(s);
  rt_sched_drop(s);
}

/* Its pools, held. */
static void add_all_unbegun(rt_snapshot *s, const void *runtime) {
  enum { MOST = 16 };
  rt_sched *pools[MOST];
  int n = 0;
  rt_worker_status *f;
  rt_list *roll = rt_worker_registry_lock();
  rt_worker_registry_each(f, roll) {
    for (int i = 0; i < 2 && n < MOST; i++)
      if (f->pools[i] && (runtime == NULL || f->runtime == runtime))
        pools[n++] = rt_sched_hold(f->pools[i]);
  }
  rt_worker_registry_unlock();
  while (n-- > 0) add_unbegun(&s->queued, pools[n]);
}

/* --- asking ----------------------------------------------------------------------------------- */
static void free_survey(rt_shared *t) {
  rt_snapshot *s = rt_containerof(t, rt_snapshot, shared);
  for (int i = 0; i < s->count; i++) close_answer(&s->requests[i].reply);
  close_answer(&s->queued);
  rt_cond_close(&s->answered);
  rt_shared_delete(t, &s->lock);
}

static const rt_shared_kind survey_kind = {.name = "survey", .free = free_survey};

static rt_snapshot *new_survey(int most) {
  size_t size = sizeof(rt_snapshot) + (size_t)most * sizeof(rt_snapshot_request);
  rt_snapshot *s = rt_shared_new(size, offsetof(rt_snapshot, lock), &survey_kind);
  if (s == NULL) return NULL;
  if (rt_cond_init(&s->answered) == 0) return s;
  rt_shared_delete(&s->shared, &s->lock);
  return NULL;
}

static void note_face(rt_snapshot_request *q, rt_worker_status *f) {
  uint64_t since = rt_load(&f->running_since), now = rt_clock();
  memcpy(q->name, f->name, sizeof q->name);
  q->in_blocking_pool = f->in_blocking_pool;
  q->load = f->load ? rt_load_relaxed(f->load) : 0;
  q->was_asleep = rt_mailbox_is_quiet(f->mailbox);
  q->title = rt_load_acquire(&f->running_title) & ~RT_TITLE_SEEN;
  q->running_for = since && now > since ? (double)(now - since) / (double)RT_SECOND : 0;
  const rt_task t = {.title = q->title};
  if (q->title) strncat(q->site, f->site_text(f, t.site), sizeof q->site - 1);
}

/* One that is known to be stuck would only keep everybody waiting. */
static void ask_locked(rt_snapshot *s, rt_worker_status *f, const rt_worker_status *own) {
  rt_snapshot_request *q = &s->requests[s->count++];
  note_face(q, f);
  q->snapshot = s;
  if (f == own) {
    s->own = q;
    q->state = RT_SNAPSHOT_REPLIED;
  } else if (rt_load(&f->reported_stuck)) {
    q->state = RT_SNAPSHOT_NOT_ASKED;
  } else {
    q->post.deliver = f->on_snapshot_request;
    rt_shared_hold(&s->shared);
    rt_mailbox_post(f->mailbox, &q->post);
  }
}

static bool concerns(const rt_worker_status *f, const rt_worker_status *own, const void *runtime) {
  return own == NULL || f == own || (runtime != NULL && f->runtime == runtime);
}

static const void *runtime_of(const rt_worker_status *own) {
  rt_worker_registry_lock();
  const void *runtime = own ? own->runtime : NULL;
  rt_worker_registry_unlock();
  return runtime;
}

static int count_faces(void) {
  int n = 0;
  rt_list *roll = rt_worker_registry_lock();
  for (rt_list *l = roll->next; l != roll; l = l->next) n++;
  rt_worker_registry_unlock();
  return n;
}

rt_snapshot *rt_snapshot_new(const rt_worker_status *own, bool traces, uint64_t until) {
  int most = count_faces() + 4; /* some may come meanwhile */
  rt_snapshot *s = new_survey(most);
  rt_worker_status *f;
  if (s == NULL) return NULL;
  const void *runtime = runtime_of(own);
  s->began = rt_clock();
  s->with_tracebacks = traces;
  s->until = until;
  if (own == NULL || runtime) add_all_unbegun(s, runtime);
  rt_list *roll = rt_worker_registry_lock();
  rt_worker_registry_each(f, roll) {
    if (s->count < most && concerns(f, own, runtime)) ask_locked(s, f, own);
  }
  rt_worker_registry_unlock();
  for (int i = 0; i < s->count; i++) {
    rt_snapshot_request *q = &s->requests[i];
    const rt_task t = {.title = q->title};
    if (q->title) rt_task_name_find(t.id, q->task_name, sizeof q->task_name);
  }
  return s;
}

/* --- the answers ------------------------------------------------------------------------------ */
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
  rt_cond_signal(&s->answered);
  rt_lock_give(&s->lock);
  rt_shared_drop(&s->shared);
}

/* Those that have begun to answer may take the time that there is for that; those whose
** business it is to be blocked get little. */
static bool is_worth_waiting_locked(const rt_snapshot *s, const rt_snapshot_request *q,
                                    uint64_t now, uint64_t until) {
  if (q->state == RT_SNAPSHOT_REPLYING)
    return now < until + RT_SNAPSHOT_REPLY_TIME || s->until == UINT64_MAX;
  if (q->state != RT_SNAPSHOT_ASKED) return false;
  return now < (q->in_blocking_pool ? s->began + 20 * RT_MILLISECOND : until);
}

static bool is_waiting_locked(const rt_snapshot *s, uint64_t until) {
  uint64_t now = rt_clock();
  for (int i = 0; i < s->count; i++)
    if (is_worth_waiting_locked(s, &s->requests[i], now, until)) return true;
  return false;
}

static int by_number(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static int by_id(const void *a, const void *b) {
  return by_number(&((const rt_task_info *)a)->id, &((const rt_task_info *)b)->id);
}

/* The ids of all tasks that workers have told of, in order; NULL: none, or no memory. */
static uint64_t *collect_begun(const rt_snapshot *s, size_t *n) {
  size_t most = 0;
  for (int i = 0; i < s->count; i++)
    most += s->requests[i].replied ? s->requests[i].reply.count : 0;
  uint64_t *ids = most > 0 ? rt_malloc(most * sizeof *ids) : NULL;
  *n = 0;
  for (int i = 0; i < s->count && ids; i++)
    for (size_t k = 0; s->requests[i].replied && k < s->requests[i].reply.count; k++)
      ids[(*n)++] = s->requests[i].reply.tasks[k].id;
  if (ids) qsort(ids, *n, sizeof *ids, by_number);
  return ids;
}

/* Of the jobs in the queues those go that some worker has begun since, and has told of. */
static void sort_out(rt_snapshot *s) {
  rt_snapshot_reply *a = &s->queued;
  size_t n, kept = 0;
  if (a->count == 0) return;
  uint64_t *begun = collect_begun(s, &n);
  qsort(a->tasks, a->count, sizeof *a->tasks, by_id);
  for (size_t i = 0; i < a->count; i++) {
    const rt_task_info *f = &a->tasks[i];
    if (begun && bsearch(&f->id, begun, n, sizeof *begun, by_number)) continue;
    a->tasks[kept++] = *f;
  }
  a->count = kept;
  rt_free(begun);
}

void rt_snapshot_wait(rt_snapshot *s, uint64_t until, void (*serve)(void *), void *arg) {
  rt_lock_take(&s->lock);
  while (is_waiting_locked(s, until)) {
    uint64_t next = rt_clock() + RT_MILLISECOND;
    if (!rt_cond_wait_until(&s->answered, &s->lock, next) && serve) {
      rt_lock_give(&s->lock);
      serve(arg);
      rt_lock_take(&s->lock);
    }
  }
  s->closed = true;
  for (int i = 0; i < s->count; i++)
    s->requests[i].replied = s->requests[i].state == RT_SNAPSHOT_REPLIED;
  rt_lock_give(&s->lock);
  sort_out(s);
}

void rt_snapshot_drop(rt_snapshot *s) { rt_shared_drop(&s->shared); }
