#include "diag/snapshot_text.h"

static void put_title(rt_buf *to, uint64_t id, const char *name, const char *site) {
  char title[RT_TASK_TITLE_MAX];
  rt_task_title_write(title, sizeof title, id, name, site);
  rt_buf_printf(to, "%s", title);
}

static void put_site(rt_buf *to, const char *site) {
  char text[RT_TASK_TITLE_MAX];
  size_t length = rt_task_title_append_site(text, 0, sizeof text, site);
  rt_buf_put(to, text, length);
}

static const char *phase_text(const rt_task_info *info) {
  return info->is_running || info->phase != RT_RUNNING ? rt_phase_name(info->phase)
                                                       : "about to run";
}

static void put_task(rt_buf *to, const rt_snapshot_reply *reply, const rt_task_info *info) {
  const rt_task t = {.phase = info->phase, .op = info->op};
  const char *name = rt_snapshot_reply_text(reply, info->name),
             *site = rt_snapshot_reply_text(reply, info->site);
  put_title(to, info->id, name ? name : info->is_main ? "main" : NULL, NULL);
  rt_buf_printf(to, ", %s", phase_text(info));
  if (rt_task_waits_for(&t))
    rt_buf_printf(to, " for %s for %.1f s", rt_task_waits_for(&t), info->waited);
  if (site) put_site(to, site);
}

static void put_tasks(rt_buf *to, const rt_snapshot_reply *reply) {
  for (size_t i = 0; i < reply->count; i++) {
    rt_buf_printf(to, "  ");
    put_task(to, reply, &reply->tasks[i]);
    rt_buf_printf(to, "\n");
    const char *traceback = rt_snapshot_reply_text(reply, reply->tasks[i].traceback);
    if (traceback) rt_buf_put(to, traceback, strlen(traceback));
  }
  if (reply->omitted > 0)
    rt_buf_printf(to, "  (and %lld more: too many for the time, or the memory, there is)\n",
                  (long long)reply->omitted);
}

/* A worker that has not replied. */
static void put_silent(rt_buf *to, const rt_snapshot_request *q) {
  const rt_task t = {.title = q->title};
  rt_buf_printf(to, "%s: ", q->name);
  if (q->title == 0) {
    rt_buf_printf(to, "does not answer, and runs no task\n");
    return;
  }
  rt_buf_printf(to,
                q->in_blocking_pool ? "in a call that blocks: " : "stuck, does not answer: runs ");
  put_title(to, t.id, q->task_name, q->site);
  if (q->running_for > 0) rt_buf_printf(to, ", for %.1f s", q->running_for);
  if (q->load > 1) rt_buf_printf(to, "; other tasks there: about %d", q->load - 1);
  rt_buf_printf(to, "\n");
}

static const rt_task_info *running_task(const rt_snapshot_reply *reply) {
  for (size_t i = 0; i < reply->count; i++)
    if (reply->tasks[i].is_running) return &reply->tasks[i];
  return NULL;
}

static void put_worker(rt_buf *to, const rt_snapshot_request *q) {
  const rt_task_info *info = running_task(&q->reply);
  if (!q->replied) {
    put_silent(to, q);
    return;
  }
  rt_buf_printf(to, "%s: ", q->name);
  if (info) {
    rt_buf_printf(to, "runs ");
    put_title(to, info->id, NULL, NULL);
    if (q->running_for > 0) rt_buf_printf(to, " for %.1f s", q->running_for);
  } else {
    rt_buf_printf(to, q->was_asleep ? "parked" : "between two tasks");
  }
  rt_buf_printf(to, "; tasks: %lld\n", (long long)q->reply.count + (long long)q->reply.omitted);
  put_tasks(to, &q->reply);
}

static long long count_tasks(const rt_snapshot *s, int *silent) {
  long long n = (long long)s->queued.count + s->queued.omitted;
  *silent = 0;
  for (int i = 0; i < s->count; i++) {
    const rt_snapshot_request *q = &s->requests[i];
    n += q->replied ? (long long)q->reply.count + q->reply.omitted : q->title != 0;
    *silent += !q->replied && !q->in_blocking_pool;
  }
  return n;
}

void rt_snapshot_text_format(rt_buf *to, const rt_snapshot *s) {
  int silent;
  long long tasks = count_tasks(s, &silent);
  rt_buf_printf(to, "rt: workers: %d, tasks: %lld", s->count, tasks);
  if (silent)
    rt_buf_printf(to, ", and those of %d that %s stuck", silent, silent > 1 ? "are" : "is");
  rt_buf_printf(to, "\n");
  for (int i = 0; i < s->count; i++) put_worker(to, &s->requests[i]);
  if (s->queued.count == 0 && s->queued.omitted == 0) return;
  rt_buf_printf(to, "in the queues: %lld\n", (long long)s->queued.count + s->queued.omitted);
  put_tasks(to, &s->queued);
}
