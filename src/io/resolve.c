/* Which thread frees a lookup that is dropped depends on its stage, which changes under the lock of
** the thread pool:
** - in the queue: rt_resolve_drop takes it out and frees it;
** - running: the thread of the thread pool frees it afterwards, and does not post;
** - posted: resolve_deliver frees it, when the post arrives or the driver drains its mailbox at the
**   end;
** - done: rt_resolve_drop frees it.
** The thread of the thread pool posts under the same lock. So when rt_resolve_drop has returned, no
** thread is about to post to this driver, which may be closed then. spec/model/thread_pool.c checks
** the stages.
*/
#include "io/resolve.h"

#include "io/tcp.h"

#include <stdio.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long a lookup waits in the queue of the thread pool before it asks for one more thread. */
#define PATIENCE (20 * RT_MILLISECOND)

static void free_lookup(rt_resolve *r) {
  if (r->addresses && r->addresses != r->loopback) freeaddrinfo(r->addresses);
  rt_free(r);
}

/* --- getaddrinfo ------------------------------------------------------------------------------ */
/* Error numbers of getaddrinfo to those of libuv; 'err' is the errno beside EAI_SYSTEM, which some
** systems leave 0. */
static int resolve_error(int gai, int err) {
  switch (gai) {
    case 0: return 0;
    case EAI_AGAIN: return UV_EAI_AGAIN;
    case EAI_BADFLAGS: return UV_EAI_BADFLAGS;
    case EAI_FAMILY: return UV_EAI_FAMILY;
    case EAI_MEMORY: return UV_ENOMEM;
    case EAI_NONAME: return UV_EAI_NONAME;
    case EAI_SERVICE: return UV_EAI_SERVICE;
    case EAI_SOCKTYPE: return UV_EAI_SOCKTYPE;
    case EAI_SYSTEM: return err > 0 ? -err : UV_EAI_FAIL;
#ifdef EAI_ADDRFAMILY
    case EAI_ADDRFAMILY: return UV_EAI_ADDRFAMILY;
#endif
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
    case EAI_NODATA: return UV_EAI_NODATA;
#endif
    default: return UV_EAI_FAIL;
  }
}

/* getaddrinfo opens files and sockets. If there is no descriptor for them, it reports that there is
** no such name. So after a failure this function tries whether there is one. */
static int find_shortage(int err) {
  int fd = rt_tcp_socket(AF_INET);
  if (fd < 0) return rt_tcp_is_shortage(fd) ? fd : err;
  close(fd);
  return err;
}

static int look_up(rt_resolve *r) {
  const char *host = r->host[0] ? r->host : NULL;
  int gai = getaddrinfo(host, r->port, &r->hints, &r->addresses), err = errno;
  if (gai != 0) r->addresses = NULL;
  return resolve_error(gai, err);
}

/* --- names that no resolver is asked for (RFC 6761) ------------------------------------------- */
/* Is the host this domain, or a name in it? */
static bool is_in_domain(const char *host, const char *domain) {
  size_t n = strlen(host), length = strlen(domain);
  if (n > 0 && host[n - 1] == '.') n--;
  if (n < length || strncasecmp(host + n - length, domain, length) != 0) return false;
  return n == length || host[n - length - 1] == '.';
}

/* 127.0.0.1, and then ::1: a listener takes the first address that the machine has. */
static void set_loopback(rt_resolve *r, int port) {
  r->ipv4 = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  r->ipv6 = (struct sockaddr_in6){
      .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = in6addr_loopback};
  r->loopback[0] = (struct addrinfo){.ai_family = AF_INET,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_addrlen = sizeof r->ipv4,
                                     .ai_addr = (struct sockaddr *)&r->ipv4,
                                     .ai_next = &r->loopback[1]};
  r->loopback[1] = (struct addrinfo){.ai_family = AF_INET6,
                                     .ai_socktype = SOCK_STREAM,
                                     .ai_addrlen = sizeof r->ipv6,
                                     .ai_addr = (struct sockaddr *)&r->ipv6};
  r->addresses = r->loopback;
}

/* --- a lookup --------------------------------------------------------------------------------- */
/* On a thread of the thread pool. */
static void resolve_work(rt_work_item *item) {
  rt_resolve *r = rt_containerof(item, rt_resolve, item);
  bool is_invalid = is_in_domain(r->host, "invalid"); /* no such name exists */
  r->err = is_invalid ? UV_EAI_NONAME : look_up(r);
  if (r->err != 0 && !is_invalid) r->err = find_shortage(r->err);
}

/* On a thread of the thread pool, under the thread pool's lock. */
static void resolve_done(rt_work_item *item, bool wanted) {
  rt_resolve *r = rt_containerof(item, rt_resolve, item);
  if (wanted)
    rt_mailbox_post(&r->driver->mailbox, &r->post);
  else
    free_lookup(r);
}

static void resolve_deliver(rt_post *post, void *driver) {
  rt_resolve *r = rt_containerof(post, rt_resolve, post);
  rt_driver_remove_uv_handle(&r->uv_handle);
  rt_timer_remove(&r->hurry.timer);
  if (r->item.dropped) {
    free_lookup(r);
    return;
  }
  r->done = true;
  rt_list *parked = rt_list_first(&r->parked);
  if (parked) rt_driver_wake(driver, rt_containerof(parked, rt_task, link), RT_FIRED);
}

void rt_resolve_drop(rt_resolve *r) {
  rt_list *parked = rt_list_first(&r->parked);
  if (parked) rt_list_remove(parked); /* the state is being closed: its task is ended later */
  rt_driver_remove_uv_handle(&r->uv_handle);
  rt_timer_remove(&r->hurry.timer);
  if (r->done || rt_thread_pool_drop(r->thread_pool, &r->item) == RT_WORK_ITEM_QUEUED)
    free_lookup(r);
}

static void set_hurry(rt_resolve *r) {
  rt_wheel_add(&r->driver->wheel, &r->hurry.timer, RT_TIMER_CALL,
               rt_driver_after(r->driver, PATIENCE));
}

static void on_hurry(rt_timer_call *call) {
  rt_resolve *r = rt_containerof(call, rt_resolve, hurry);
  if (rt_thread_pool_hurry(r->thread_pool, &r->item)) set_hurry(r);
}

static void resolve_close_with_driver(rt_uv_handle *h) {
  rt_resolve_drop(rt_containerof(h, rt_resolve, uv_handle));
}

int rt_resolve_start(rt_resolve **out, rt_thread_pool *thread_pool, rt_driver *driver,
                     const char *host, int port, bool passive) {
  rt_resolve *r = rt_calloc(sizeof *r);
  if (r == NULL) return UV_ENOMEM;
  r->thread_pool = thread_pool;
  r->driver = driver;
  r->item.work = resolve_work;
  r->item.on_done = resolve_done;
  r->post.deliver = resolve_deliver;
  rt_list_init(&r->item.link);
  rt_list_init(&r->uv_handle.link);
  rt_list_init(&r->parked);
  rt_timer_call_init(&r->hurry, on_hurry);
  if (host && strcmp(host, "*") != 0) snprintf(r->host, sizeof r->host, "%s", host);
  snprintf(r->port, sizeof r->port, "%d", port);
  r->hints.ai_socktype = SOCK_STREAM;
  r->hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST | (passive ? AI_PASSIVE : 0);
  if (is_in_domain(r->host, "localhost")) set_loopback(r, port);
  if (r->addresses || look_up(r) == 0) { /* (look_up: it is numeric) */
    r->done = true;
    *out = r;
    return 0;
  }
  r->hints.ai_flags &= ~AI_NUMERICHOST;
  int err = rt_thread_pool_submit(thread_pool, &r->item);
  if (err != 0) {
    free_lookup(r);
    return err;
  }
  rt_driver_add_uv_handle(driver, &r->uv_handle, resolve_close_with_driver);
  set_hurry(r);
  *out = r;
  return 0;
}
