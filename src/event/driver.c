#include "event/driver.h"

#include "event/uv_loop.h"

static void driver_on_bell(uv_async_t *bell) { (void)bell; }

/* uv_run may fire the alarm before it blocks; uv_stop keeps it from blocking after that. */
static void on_alarm(uv_timer_t *alarm) { uv_stop(alarm->loop); }

static void ring(void *reader) {
  rt_driver *d = reader;
  if (RT_DEBUG && d->vthread) rt_vtime_wake(d->vthread);
  uv_async_send(&d->bell);
}

static void driver_on_sleep(rt_timer *timer, void *driver) {
  rt_driver_wake(driver, rt_containerof(timer, rt_task, timer), RT_FIRED);
}

int rt_driver_init(rt_driver *d, void (*run)(rt_driver *, rt_task *)) {
  int err;
  memset(d, 0, sizeof *d);
  d->epoch = rt_clock();
  rt_atomic_init(&d->timestamp, rt_driver_timestamp(d->epoch));
  d->run = run;
  d->counters = &d->own_counters;
  rt_wheel_init(&d->wheel, driver_on_sleep, d);
  rt_ready_init(&d->ready);
  rt_list_init(&d->uv_handles);
  rt_list_init(&d->waiters);
  rt_list_init(&d->spare_waiters);
  rt_mailbox_init(&d->mailbox, ring, d);
  if ((d->scratch = rt_malloc(RT_SCRATCH)) == NULL) return UV_ENOMEM;
  if ((err = rt_uv_loop_init(&d->loop, &d->bell, driver_on_bell)) != 0) {
    rt_free(d->scratch);
    return err;
  }
  uv_timer_init(&d->loop, &d->alarm);
  return 0;
}

void rt_driver_close(rt_driver *d) {
  rt_list *l;
  if (d->inside) return;
  while ((l = rt_list_take(&d->uv_handles)) != NULL) {
    rt_uv_handle *h = rt_containerof(l, rt_uv_handle, link);
    h->close(h);
  }
  rt_mailbox_drain(&d->mailbox); /* posts for tasks and libuv handles that are closed now */
  rt_mailbox_close(&d->mailbox);
  uv_close((uv_handle_t *)&d->bell, NULL);
  uv_close((uv_handle_t *)&d->alarm, NULL);
  while (uv_loop_close(&d->loop) == UV_EBUSY) uv_run(&d->loop, UV_RUN_ONCE);
  rt_free(d->scratch);
}

void rt_driver_leave(rt_driver *d, void (*run)(rt_driver *, rt_task *)) {
  rt_ready_init(&d->ready);
  d->run = run;
  d->polled = 0;
}

void rt_driver_add_uv_handle(rt_driver *d, rt_uv_handle *h, void (*close)(rt_uv_handle *)) {
  h->close = close;
  rt_list_append(&d->uv_handles, &h->link);
}

void rt_driver_remove_uv_handle(rt_uv_handle *h) { rt_list_remove(&h->link); }

uint64_t rt_driver_tick(const rt_driver *d) { return (rt_clock() - d->epoch) / RT_MILLISECOND; }

uint64_t rt_driver_after(const rt_driver *d, uint64_t ns) {
  uint64_t from = rt_clock() - d->epoch;
  if (ns >= INT64_MAX - from) return RT_NEVER;
  return (from + ns + RT_MILLISECOND - 1) / RT_MILLISECOND;
}

static void run_loop(rt_driver *d, uv_run_mode mode) {
  d->inside = true;
  d->resumed_at = 0;
  uv_run(&d->loop, mode);
  d->inside = false;
}

/* True: there was a post, after which the worker may have something to do before it blocks. */
static bool deliver_and_fire(rt_driver *d) {
  int posts = rt_mailbox_drain(&d->mailbox), fired = 0;
  if (posts > 0) rt_counters_add(d->counters, RT_COUNT_POSTS, (uint64_t)posts);
  if (rt_wheel_next(&d->wheel) != RT_NEVER) fired = rt_wheel_advance(&d->wheel, rt_driver_tick(d));
  if (fired > 0) rt_counters_add(d->counters, RT_COUNT_TIMERS, (uint64_t)fired);
  return posts > 0;
}

/* (Relaxed: the timestamp only tells how long a task has been suspended; it refers to no other
** memory.) */
void rt_driver_note_time(rt_driver *d) {
  d->polled = rt_clock_coarse();
  rt_store_relaxed(&d->timestamp, rt_driver_timestamp(d->polled));
}

void rt_driver_poll(rt_driver *d) {
  if (RT_DEBUG && d->vthread) rt_vtime_yield(d->vthread);
  deliver_and_fire(d);
  run_loop(d, UV_RUN_NOWAIT);
}

/* A libuv handle that is awaited moves to the front, where the next search finds it first. */
static bool is_any_awaited(rt_driver *d) {
  for (rt_list *l = d->uv_handles.next; l != &d->uv_handles; l = l->next) {
    rt_uv_handle *h = rt_containerof(l, rt_uv_handle, link);
    if (h->is_awaited && !h->is_awaited(h)) continue;
    rt_list_remove(l);
    rt_list_prepend(&d->uv_handles, l);
    return true;
  }
  return false;
}

/* Waits in virtual time, for the bell or this tick. */
static void block_virtually(rt_driver *d, uint64_t due) {
  uint64_t at = due == RT_NEVER ? RT_NO_TIME : d->epoch + due * RT_MILLISECOND;
  rt_vtime_block(d->vthread, at, is_any_awaited(d));
  run_loop(d, UV_RUN_NOWAIT);
}

/* Waits for the OS, the bell, or this tick. */
static void driver_block(rt_driver *d, uint64_t due) {
  if (RT_DEBUG && d->vthread)
    block_virtually(d, due);
  else
    run_loop(d, UV_RUN_ONCE);
}

static void set_alarm(rt_driver *d, uint64_t due) {
  uint64_t tick = rt_driver_tick(d);
  uv_update_time(&d->loop);
  uv_timer_start(&d->alarm, on_alarm, due > tick ? due - tick : 0, 0);
}

void rt_driver_serve(rt_driver *d) { deliver_and_fire(d); }

/* Blocks although only a post can wake this thread: it is still. The mark is in the mailbox
** already. (Step 2 of the argument in run/deadlock.c.) */
static void block_still(rt_driver *d) {
  bool last = d->active == NULL || rt_active_threads_leave(d->active);
  rt_chaos_delay();
  if (!last || d->on_stillness == NULL || d->on_stillness(d)) driver_block(d, RT_NEVER);
  if (d->active) rt_active_threads_enter(d->active);
}

bool rt_driver_park(rt_driver *d) {
  bool post = deliver_and_fire(d);
  if (!post && rt_ready_is_idle(&d->ready) && rt_mailbox_sleep(&d->mailbox)) {
    uint64_t due = rt_wheel_next(&d->wheel);
    if (due != RT_NEVER)
      set_alarm(d, due);
    else
      uv_timer_stop(&d->alarm);
    if (due != RT_NEVER || is_any_awaited(d))
      driver_block(d, due);
    else
      block_still(d);
    rt_mailbox_wake(&d->mailbox);
    post = deliver_and_fire(d);
  }
  rt_driver_note_time(d);
  return post;
}

bool rt_driver_awaits_only_posts(rt_driver *d) {
  return rt_wheel_next(&d->wheel) == RT_NEVER && !is_any_awaited(d);
}

void rt_driver_ring(rt_driver *d) { ring(d); }
