#include "io/dial.h"

#include "event/uv_loop.h"
#include "io/tcp.h"

#include <unistd.h>

enum { SELF_RETRIES = 2, ATTEMPTS_MAX = RT_DIAL_MAX_ADDRESSES + SELF_RETRIES };

#define STAGGER (250 * RT_MILLISECOND) /* until the next address is tried */

typedef struct attempt {
  uv_poll_t poll;
  rt_dial *dial;
  int fd; /* -1: not started, or ended */
} attempt;

struct rt_dial {
  rt_uv_handle uv_handle;
  rt_driver *driver;
  rt_list parked; /* the task that waits */
  rt_timer_call stagger, deadline;
  int result;   /* RT_EINPROGRESS; when done: a descriptor or UV_E… */
  int error;    /* of the attempts; see rt_tcp_clearer_error */
  int count;    /* of addresses */
  int retries;  /* addresses among them that were added by refuse_self */
  int next;     /* the next address to try */
  int open;     /* attempts whose handles libuv has not closed yet */
  bool dropped; /* free the dial when 'open' is 0 */
  struct sockaddr_storage address[ATTEMPTS_MAX];
  struct addrinfo info[ATTEMPTS_MAX];
  attempt attempts[ATTEMPTS_MAX];
};

static void free_if_done(rt_dial *d) {
  if (d->dropped && d->open == 0) rt_free(d);
}

static void attempt_on_closed(uv_handle_t *h) {
  attempt *a = rt_containerof((uv_poll_t *)h, attempt, poll);
  a->dial->open--;
  free_if_done(a->dial);
}

/* Returns the descriptor, which the loop does not poll any more. */
static int end_attempt(attempt *a) {
  int fd = a->fd;
  a->fd = -1;
  uv_close((uv_handle_t *)&a->poll, attempt_on_closed);
  return fd;
}

static void end_dial(rt_dial *d, int result) {
  d->result = result;
  rt_driver_remove_uv_handle(&d->uv_handle);
  rt_timer_remove(&d->stagger.timer);
  rt_timer_remove(&d->deadline.timer);
  for (int i = 0; i < d->next; i++)
    if (d->attempts[i].fd >= 0) close(end_attempt(&d->attempts[i]));
  rt_list *l = rt_list_first(&d->parked);
  if (l) rt_driver_wake(d->driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

static void note_error(rt_dial *d, int err) { d->error = rt_tcp_clearer_error(d->error, err); }

static bool has_attempt(const rt_dial *d) {
  for (int i = 0; i < d->next; i++)
    if (d->attempts[i].fd >= 0) return true;
  return false;
}

static void add_address(rt_dial *d, const struct addrinfo *a) {
  int i = d->count++;
  memcpy(&d->address[i], a->ai_addr, a->ai_addrlen);
  d->info[i] = (struct addrinfo){.ai_family = a->ai_family,
                                 .ai_addrlen = a->ai_addrlen,
                                 .ai_addr = (struct sockaddr *)&d->address[i]};
  d->attempts[i].dial = d;
  d->attempts[i].fd = -1;
}

/* A connection to itself is none: no program listens there. The address is tried again at the end,
** since a program may have begun to listen there meanwhile, and another time the system chooses
** another port for the socket. (So does Go, which also tries three times.) */
static int refuse_self(rt_dial *d, int i, int fd) {
  if (!rt_tcp_is_its_own_peer(fd)) return fd;
  close(fd);
  if (d->retries++ < SELF_RETRIES) add_address(d, &d->info[i]);
  return UV_ECONNREFUSED;
}

static void on_writable(uv_poll_t *poll, int status, int events);

/* RT_EINPROGRESS; or the result, if there is one at once: a descriptor or UV_E… */
static int start_attempt(rt_dial *d, int i) {
  attempt *a = &d->attempts[i];
  int fd = rt_tcp_socket(d->info[i].ai_family);
  if (fd < 0) return fd;
  int err = rt_tcp_connect(fd, &d->info[i]);
  if (err == 0) return refuse_self(d, i, fd);
  if (err == RT_EINPROGRESS) {
    int failed = uv_poll_init_socket(&d->driver->loop, &a->poll, fd);
    if (failed == 0) {
      a->fd = fd;
      d->open++;
      failed = rt_uv_loop_poll(&a->poll, fd, UV_WRITABLE, on_writable);
      if (failed != 0) end_attempt(a);
    }
    if (failed == 0) return RT_EINPROGRESS;
    err = failed;
  }
  close(fd);
  return err;
}

static void try_next(rt_dial *d) {
  while (d->next < d->count) {
    int r = start_attempt(d, d->next++);
    if (r == RT_EINPROGRESS) {
      rt_timer_remove(&d->stagger.timer);
      if (d->next < d->count)
        rt_wheel_add(&d->driver->wheel, &d->stagger.timer, RT_TIMER_CALL,
                     rt_driver_after(d->driver, STAGGER));
      return;
    }
    if (r >= 0) {
      end_dial(d, r);
      return;
    }
    note_error(d, r);
  }
  if (!has_attempt(d)) end_dial(d, d->error);
}

static void on_writable(uv_poll_t *poll, int status, int events) {
  attempt *a = rt_containerof(poll, attempt, poll);
  rt_dial *d = a->dial;
  (void)status, (void)events; /* (SO_ERROR has the result) */
  int err = rt_tcp_error(a->fd);
  int fd = end_attempt(a);
  if (err == 0) {
    err = refuse_self(d, (int)(a - d->attempts), fd);
  } else {
    close(fd);
  }
  if (err >= 0) {
    end_dial(d, err);
  } else {
    note_error(d, err);
    try_next(d);
  }
}

static void on_stagger(rt_timer_call *call) { try_next(rt_containerof(call, rt_dial, stagger)); }

static void dial_on_deadline(rt_timer_call *call) {
  end_dial(rt_containerof(call, rt_dial, deadline), UV_ETIMEDOUT);
}

static void dial_close_with_driver(rt_uv_handle *h) {
  end_dial(rt_containerof(h, rt_dial, uv_handle), UV_ECANCELED);
}

static const struct addrinfo *skip(const struct addrinfo *a, int family, bool same) {
  while (a && (a->ai_family == family) != same) a = a->ai_next;
  return a;
}

/* The order is getaddrinfo's, but the two families alternate. */
static void add_addresses(rt_dial *d, const struct addrinfo *found) {
  int family = found->ai_family;
  const struct addrinfo *mine = found, *other = skip(found, family, false);
  while ((mine || other) && d->count < RT_DIAL_MAX_ADDRESSES) {
    if (mine) {
      add_address(d, mine);
      mine = skip(mine->ai_next, family, true);
    }
    if (other && d->count < RT_DIAL_MAX_ADDRESSES) {
      add_address(d, other);
      other = skip(other->ai_next, family, false);
    }
  }
}

int rt_dial_start(rt_dial **out, rt_driver *driver, const struct addrinfo *found,
                  uint64_t timeout) {
  rt_dial *d = rt_calloc(sizeof *d);
  if (d == NULL) return UV_ENOMEM;
  d->driver = driver;
  d->result = RT_EINPROGRESS;
  rt_list_init(&d->parked);
  rt_timer_call_init(&d->stagger, on_stagger);
  rt_timer_call_init(&d->deadline, dial_on_deadline);
  add_addresses(d, found);
  rt_driver_add_uv_handle(driver, &d->uv_handle, dial_close_with_driver);
  rt_wheel_add(&driver->wheel, &d->deadline.timer, RT_TIMER_CALL, rt_driver_after(driver, timeout));
  *out = d;
  try_next(d);
  return 0;
}

bool rt_dial_is_done(const rt_dial *d) { return d->result != RT_EINPROGRESS; }

void rt_dial_wait(rt_dial *d, rt_task *t) { rt_task_park(t, RT_OP_CONNECT, d, &d->parked); }

int rt_dial_take(rt_dial *d) {
  int result = d->result;
  d->result = UV_ECANCELED;
  return result;
}

void rt_dial_drop(rt_dial *d) {
  if (!rt_dial_is_done(d)) end_dial(d, UV_ECANCELED);
  if (d->result >= 0) close(d->result);
  d->dropped = true;
  free_if_done(d);
}
