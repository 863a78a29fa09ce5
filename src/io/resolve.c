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

#include <stdio.h>

static void free_lookup(rt_resolve *r) {
  if (r->addresses) freeaddrinfo(r->addresses);
  rt_free(r);
}

/* Error numbers of getaddrinfo to those of libuv. */
static int resolve_error(int gai) {
  switch (gai) {
    case 0: return 0;
    case EAI_AGAIN: return UV_EAI_AGAIN;
    case EAI_MEMORY: return UV_ENOMEM;
    case EAI_FAMILY: return UV_EAI_FAMILY;
    case EAI_SERVICE: return UV_EAI_SERVICE;
    case EAI_FAIL: return UV_EAI_FAIL;
    case EAI_SYSTEM: return -errno;
    default: return UV_EAI_NONAME;
  }
}

/* RFC 6761: no name under .invalid exists, so no server is asked. */
static bool is_invalid(const char *host) {
  size_t n = strlen(host);
  return n >= 8 && strcmp(host + n - 8, ".invalid") == 0;
}

static int look_up(rt_resolve *r) {
  const char *host = r->host[0] ? r->host : NULL;
  return resolve_error(getaddrinfo(host, r->port, &r->hints, &r->addresses));
}

/* On a thread of the thread pool. */
static void resolve_work(rt_work_item *item) {
  rt_resolve *r = rt_containerof(item, rt_resolve, item);
  r->err = is_invalid(r->host) ? UV_EAI_NONAME : look_up(r);
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
  if (r->done || rt_thread_pool_drop(r->thread_pool, &r->item) == RT_WORK_ITEM_QUEUED)
    free_lookup(r);
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
  if (host && strcmp(host, "*") != 0) snprintf(r->host, sizeof r->host, "%s", host);
  snprintf(r->port, sizeof r->port, "%d", port);
  r->hints.ai_socktype = SOCK_STREAM;
  r->hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST | (passive ? AI_PASSIVE : 0);
  if (look_up(r) == 0) { /* it is numeric */
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
  *out = r;
  return 0;
}
