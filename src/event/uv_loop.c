#include "event/uv_loop.h"

#include "base/descriptor.h"

#ifdef __linux__

#include <sys/epoll.h>

static int add_descriptor(uv_loop_t *loop, int fd) {
  struct epoll_event event = {.data.fd = fd};
  if (epoll_ctl(uv_backend_fd(loop), EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  return errno == EEXIST ? 0 : -errno; /* (EEXIST: it is still there from the last time) */
}

/* The descriptors for which every loop waits: that of its async handles and that of its signals.
** (libuv opens a pipe for signals in each loop, even if none is handled.) */
static int watch_own_descriptors(uv_loop_t *loop) {
  int err = add_descriptor(loop, loop->async_io_watcher.fd);
  if (err == 0 && loop->signal_pipefd[0] >= 0) err = add_descriptor(loop, loop->signal_pipefd[0]);
  return err;
}

/* If libuv has no events on record for a handle, it tries to add the descriptor, and changes its
** events when it finds it there. With such a record it changes them at once, which saves a system
** call. */
static void set_added(uv_poll_t *poll) { poll->io_watcher.events = EPOLLERR; }

#else

static int add_descriptor(uv_loop_t *loop, int fd) {
  (void)loop, (void)fd;
  return 0;
}

static void set_added(uv_poll_t *poll) { (void)poll; }

static int watch_own_descriptors(uv_loop_t *loop) {
  (void)loop;
  return 0;
}

#endif

/* The descriptors that the first loop of a process opens: the shared pipe, the epoll instance, an
** eventfd, the pipe of the loop; and one for the program, which would get no further without. */
enum { FIRST_DESCRIPTORS = 7 };

/* (If another thread of the process takes the descriptors between this test and uv_loop_init, libuv
** still aborts.) */
static int find_first_descriptors(void) {
  static rt_atomic(bool) found;
  if (rt_load(&found)) return 0;
  int err = rt_descriptor_find(FIRST_DESCRIPTORS);
  if (err == 0) rt_store(&found, true);
  return err;
}

/* (A loop without handles is closed at once; a handle would need a run of the loop, which may
** abort.) */
int rt_uv_loop_init(uv_loop_t *loop, uv_async_t *async, uv_async_cb f) {
  int err = find_first_descriptors();
  if (err != 0) return err;
  loop->backend_fd = -1;
  if ((err = uv_loop_init(loop)) != 0) { /* (libuv leaves the epoll instance open) */
    if (loop->backend_fd >= 0) rt_descriptor_close(loop->backend_fd);
    return err;
  }
  err = watch_own_descriptors(loop);
  if (err == 0) err = uv_async_init(loop, async, f);
  if (err != 0) uv_loop_close(loop);
  return err;
}

/* (uv_poll_start takes the descriptor out of the epoll instance, even if the handle is active, and
** the next run of the loop adds it.) */
int rt_uv_loop_poll(uv_poll_t *poll, int fd, int events, uv_poll_cb f) {
  int err = uv_poll_start(poll, events, f);
  if (err == 0 && (err = add_descriptor(poll->loop, fd)) == 0) {
    set_added(poll);
    return 0;
  }
  uv_poll_stop(poll);
  return err;
}
