#include "io/resolve.h"

#include <stdio.h>

static void free_lookup(rt_resolve *l) {
  if (l->addresses) freeaddrinfo(l->addresses);
  rt_free(l);
}

/* getaddrinfo has error numbers of its own; libuv has names for them. */
static int error_of(int gai) {
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

/* RFC 6761: no name under .invalid exists, and no server need be asked. */
static bool is_invalid(const char *host) {
  size_t n = strlen(host);
  return n >= 8 && strcmp(host + n - 8, ".invalid") == 0;
}

static int ask(rt_resolve *l) {
  const char *host = l->host[0] ? l->host : NULL;
  return error_of(getaddrinfo(host, l->port, &l->hints, &l->addresses));
}

static void work(rt_work_item *item) {
  rt_resolve *l = rt_containerof(item, rt_resolve, item);
  l->err = is_invalid(l->host) ? UV_EAI_NONAME : ask(l);
}

/* on the thread pool's thread, under its lock: so while the lock can be had at home, no
** thread is between its decision to post and the end of posting */
static void done(rt_work_item *item, bool wanted) {
  rt_resolve *l = rt_containerof(item, rt_resolve, item);
  if (wanted)
    rt_mailbox_post(&l->home->mailbox, &l->post);
  else
    free_lookup(l);
}

static void deliver(rt_post *post, void *reader) {
  rt_resolve *l = rt_containerof(post, rt_resolve, post);
  rt_driver_disown(&l->handle);
  if (l->item.dropped) {
    free_lookup(l);
    return;
  }
  l->done = true;
  rt_list *parked = rt_list_first(&l->parked);
  if (parked) rt_driver_wake(reader, rt_containerof(parked, rt_task, link), RT_FIRED);
}

void rt_resolve_drop(rt_resolve *l) {
  rt_list *parked = rt_list_first(&l->parked);
  if (parked) rt_list_remove(parked); /* the state closes, and its task comes after us */
  rt_driver_disown(&l->handle);
  if (l->done || rt_thread_pool_drop(l->thread_pool, &l->item) == RT_WORK_ITEM_QUEUED)
    free_lookup(l);
  /* else its thread or the post on its way frees it */
}

static void close_with_driver(rt_uv_handle *h) {
  rt_resolve_drop(rt_containerof(h, rt_resolve, handle));
}

int rt_resolve_start(rt_resolve **out, rt_thread_pool *c, rt_driver *home, const char *host,
                     int port, bool passive) {
  rt_resolve *l = rt_calloc(sizeof *l);
  if (l == NULL) return UV_ENOMEM;
  l->thread_pool = c;
  l->home = home;
  l->item.work = work;
  l->item.done = done;
  l->post.deliver = deliver;
  rt_list_init(&l->item.link);
  rt_list_init(&l->handle.link);
  rt_list_init(&l->parked);
  if (host && strcmp(host, "*") != 0) snprintf(l->host, sizeof l->host, "%s", host);
  snprintf(l->port, sizeof l->port, "%d", port);
  l->hints.ai_socktype = SOCK_STREAM;
  l->hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST | (passive ? AI_PASSIVE : 0);
  if (ask(l) == 0) { /* no name: nobody has to be asked */
    l->done = true;
    *out = l;
    return 0;
  }
  l->hints.ai_flags &= ~AI_NUMERICHOST;
  int err = rt_thread_pool_submit(c, &l->item);
  if (err != 0) {
    free_lookup(l);
    return err;
  }
  rt_driver_adopt(home, &l->handle, close_with_driver);
  *out = l;
  return 0;
}
