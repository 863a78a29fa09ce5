#include "run/dump.h"

#include "base/safe_write.h"
#include "diag/snapshot_text.h"

#include <unistd.h>

#define REPLY_TIMEOUT (150 * RT_MILLISECOND) /* for a worker that does not reply */

/* While this worker waits for replies it receives posts, so that two workers that dump can reply to
** each other. */
static void receive_posts(void *worker) {
  rt_worker *w = worker;
  if (RT_DEBUG && w->driver.vthread)
    rt_vtime_yield(w->driver.vthread); /* one thread runs at a time */
  rt_mailbox_drain(&w->driver.mailbox);
}

rt_snapshot *rt_dump_ask(rt_worker *w, bool traces, uint64_t until) {
  rt_worker_assert_thread(w);
  uint64_t now = rt_clock();
  rt_snapshot *s = rt_snapshot_new(&w->status, traces, until);
  if (s == NULL) return NULL;
  if (s->own) rt_inspect_tasks(w, &s->own->reply, traces, until);
  rt_snapshot_wait(s, now + REPLY_TIMEOUT, receive_posts, w);
  return s;
}

static rt_buf text_of(rt_snapshot *s) {
  rt_buf text;
  rt_buf_init(&text);
  rt_snapshot_text_format(&text, s);
  rt_snapshot_drop(s);
  return text;
}

int rt_dump_write(rt_worker *w, FILE *to) {
  rt_worker_assert_thread(w);
  rt_snapshot *s = rt_dump_ask(w, true, rt_clock() + RT_SNAPSHOT_REPLY_TIME);
  if (s == NULL) return UV_ENOMEM;
  rt_buf text = text_of(s);
  int err =
      rt_buf_len(&text) ? rt_safe_write_file(to, rt_buf_data(&text), rt_buf_len(&text)) : UV_ENOMEM;
  rt_buf_close(&text);
  return err;
}

void rt_dump_from_outside(void) {
  uint64_t now = rt_clock();
  rt_snapshot *s = rt_snapshot_new(NULL, true, now + RT_SNAPSHOT_REPLY_TIME);
  if (s == NULL) return;
  rt_snapshot_wait(s, now + REPLY_TIMEOUT, NULL, NULL);
  rt_buf text = text_of(s);
  if (rt_buf_len(&text)) rt_safe_write(STDERR_FILENO, rt_buf_data(&text), rt_buf_len(&text));
  rt_buf_close(&text);
}
