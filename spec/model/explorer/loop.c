/* spec/model/explorer/loop.c - the part of libuv that a driver needs, on the explorer's fibers: a
** loop that waits for its uv_async or for its one timer. */
#include "event/uv_loop.h"
#include "platform.h"

#include <uv.h>

typedef struct loop_state {
  uv_async_t *bell;
  uv_timer_t *alarm;
  bool rung;    /* the bell has rung, and its function was not called yet */
  bool sleeps;  /* in uv_run */
  bool stopped; /* uv_stop was called */
  bool set;     /* the alarm */
  uint64_t due; /* of the alarm */
} loop_state;

static loop_state *state_of(uv_loop_t *l) {
  static const model_place here = {"a loop", 0};
  memory_check(&here, l);
  memory_check(&here, l->data);
  return l->data;
}

int uv_loop_init(uv_loop_t *l) {
  l->data = rt_calloc(sizeof(loop_state));
  return 0;
}

int uv_loop_close(uv_loop_t *l) {
  rt_free(state_of(l));
  l->data = NULL;
  return 0;
}

const char *uv_strerror(int err) { return err ? "an error" : "none"; }

void uv_close(uv_handle_t *h, uv_close_cb cb) { (void)h, (void)cb; }
void uv_update_time(uv_loop_t *l) { (void)l; }
void uv_stop(uv_loop_t *l) { state_of(l)->stopped = true; }

int uv_async_init(uv_loop_t *l, uv_async_t *bell, uv_async_cb cb) {
  bell->loop = l;
  bell->async_cb = cb;
  state_of(l)->bell = bell;
  return 0;
}

int rt_uv_loop_init(uv_loop_t *l, uv_async_t *bell, uv_async_cb cb) {
  uv_loop_init(l);
  return uv_async_init(l, bell, cb);
}

int uv_async_send(uv_async_t *bell) {
  static const model_place here = {"uv_async_send(bell)", 0};
  model_change(&here, bell);
  loop_state *s = state_of(bell->loop);
  if (!bug_is_at(BUG_BELL_FORGOTTEN, &here) || s->sleeps) s->rung = true;
  return 0;
}

int uv_timer_init(uv_loop_t *l, uv_timer_t *alarm) {
  alarm->loop = l;
  state_of(l)->alarm = alarm;
  return 0;
}

int uv_timer_start(uv_timer_t *alarm, uv_timer_cb cb, uint64_t ms, uint64_t repeat) {
  loop_state *s = state_of(alarm->loop);
  (void)repeat;
  alarm->timer_cb = cb;
  s->due = rt_clock() + ms * RT_MILLISECOND;
  s->set = true;
  return 0;
}

int uv_timer_stop(uv_timer_t *alarm) {
  state_of(alarm->loop)->set = false;
  return 0;
}

static bool is_rung(void *s) { return ((loop_state *)s)->rung; }

static void loop_sleep(loop_state *s) {
  static const model_place here = {"uv_run(loop, UV_RUN_ONCE)", 0};
  model_point(&here, s);
  s->sleeps = true;
  bool rung = fiber_wait(&here, is_rung, s, s->set);
  s->sleeps = false;
  if (rung) return;
  platform_pass_time(s->due);
  s->set = false;
  s->alarm->timer_cb(s->alarm);
}

int uv_run(uv_loop_t *l, uv_run_mode mode) {
  loop_state *s = state_of(l);
  if (mode == UV_RUN_ONCE && !s->stopped) loop_sleep(s);
  s->stopped = false;
  if (s->rung) {
    s->rung = false;
    s->bell->async_cb(s->bell);
  }
  return 0;
}
