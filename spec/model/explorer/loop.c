/* loop.c - as much of libuv as a driver needs, on the explorer's fibers: a loop that can be
** rung, and waits for that or for its one timer. */
#include "platform.h"

#include <uv.h>

typedef struct inside {
  uv_async_t *bell;
  uv_timer_t *alarm;
  bool rung, sleeps, stopped, set;
  uint64_t due;
} inside;

static inside *inside_of(uv_loop_t *l) {
  static const model_place here = {"a loop", 0};
  ground_look(&here, l);
  ground_look(&here, l->data);
  return l->data;
}

int uv_loop_init(uv_loop_t *l) {
  l->data = rt_calloc(sizeof(inside));
  return 0;
}

int uv_loop_close(uv_loop_t *l) {
  rt_free(inside_of(l));
  l->data = NULL;
  return 0;
}

void uv_close(uv_handle_t *h, uv_close_cb cb) { (void)h, (void)cb; }
void uv_update_time(uv_loop_t *l) { (void)l; }
void uv_stop(uv_loop_t *l) { inside_of(l)->stopped = true; }

int uv_async_init(uv_loop_t *l, uv_async_t *bell, uv_async_cb cb) {
  bell->loop = l;
  bell->async_cb = cb;
  inside_of(l)->bell = bell;
  return 0;
}

int uv_async_send(uv_async_t *bell) {
  static const model_place here = {"uv_async_send(bell)", 0};
  model_change(&here, bell);
  inside *in = inside_of(bell->loop);
  if (!bug_is_at(DEAF, &here) || in->sleeps) in->rung = true;
  return 0;
}

int uv_timer_init(uv_loop_t *l, uv_timer_t *alarm) {
  alarm->loop = l;
  inside_of(l)->alarm = alarm;
  return 0;
}

int uv_timer_start(uv_timer_t *alarm, uv_timer_cb cb, uint64_t ms, uint64_t repeat) {
  inside *in = inside_of(alarm->loop);
  (void)repeat;
  alarm->timer_cb = cb;
  in->due = rt_clock() + ms * RT_MILLISECOND;
  in->set = true;
  return 0;
}

int uv_timer_stop(uv_timer_t *alarm) {
  inside_of(alarm->loop)->set = false;
  return 0;
}

static bool is_rung(void *in) { return ((inside *)in)->rung; }

static void sleep_inside(inside *in) {
  static const model_place here = {"uv_run(loop, UV_RUN_ONCE)", 0};
  model_point(&here, in);
  in->sleeps = true;
  bool rung = fiber_wait(&here, is_rung, in, in->set);
  in->sleeps = false;
  if (rung) return;
  platform_pass_time(in->due);
  in->set = false;
  in->alarm->timer_cb(in->alarm);
}

int uv_run(uv_loop_t *l, uv_run_mode mode) {
  inside *in = inside_of(l);
  if (mode == UV_RUN_ONCE && !in->stopped) sleep_inside(in);
  in->stopped = false;
  if (in->rung) {
    in->rung = false;
    in->bell->async_cb(in->bell);
  }
  return 0;
}
