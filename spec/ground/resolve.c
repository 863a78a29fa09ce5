/* spec/ground/resolve.c - io/resolve.c: names to addresses, by threads of the thread pool. */
#include "check.h"
#include "io/resolve.h"
#include "is_empty.h"

#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/resource.h>

/* getaddrinfo, for names that are no numbers: "host.test" is 127.0.0.1, or the lookup fails as
** 'failure' says; it is not asked for other names. */
static struct {
  rt_atomic(int) gai, err;
  rt_atomic(int) asked;
} failure;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  static __typeof__(&getaddrinfo) real;
  if (!real) real = (__typeof__(&getaddrinfo))dlsym(RTLD_NEXT, "getaddrinfo");
  if (!(hints->ai_flags & AI_NUMERICHOST)) {
    rt_add(&failure.asked, 1);
    errno = rt_load(&failure.err);
    if (rt_load(&failure.gai) != 0) return rt_load(&failure.gai);
    must("only this name is looked up", strcmp(name, "host.test") == 0);
    name = "127.0.0.1";
  }
  return real(name, service, hints, found);
}

static void run(rt_driver *d, rt_task *t) { (void)d, (void)t; }

static rt_resolve *start(rt_thread_pool *pool, rt_driver *d, const char *host, bool passive) {
  rt_resolve *r = NULL;
  must("a lookup starts", rt_resolve_start(&r, pool, d, host, 80, passive) == 0);
  return r;
}

static void wait_for(rt_driver *d, rt_resolve *r) {
  static rt_task t; /* (gcc 14 does not see that a local one would leave the list in time) */
  if (r->done) return;
  rt_task_init(&t, 1);
  t.phase = RT_RUNNING;
  rt_task_park(&t, RT_OP_RESOLVE, r, &r->parked);
  while (t.phase == RT_WAITING) rt_driver_park(d);
  rt_list_remove(&t.link);
  must("whoever is woken finds it answered", r->done);
}

static bool is_loopback(const struct addrinfo *a) {
  return a->ai_family == AF_INET
             ? ((struct sockaddr_in *)a->ai_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK)
             : IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)a->ai_addr)->sin6_addr);
}

static void check_numeric(rt_thread_pool *pool, rt_driver *d) {
  rt_resolve *r = start(pool, d, "127.0.0.1", false);
  check("a number is answered at once",
        r->done && r->err == 0 && r->addresses && is_loopback(r->addresses) &&
            ntohs(((struct sockaddr_in *)r->addresses->ai_addr)->sin_port) == 80);
  rt_resolve_drop(r);
  r = start(pool, d, "::1", false);
  check("… one of IPv6, too", r->done && r->addresses && r->addresses->ai_family == AF_INET6 &&
                                  is_loopback(r->addresses));
  rt_resolve_drop(r);
  r = start(pool, d, NULL, true);
  check("… and any address of this machine", r->done && r->addresses != NULL);
  rt_resolve_drop(r);
  check("that leaves the driver empty", is_empty(d));
}

static void check_names(rt_thread_pool *pool, rt_driver *d) {
  rt_resolve *r = start(pool, d, "host.test", false);
  check("a name belongs to the driver until it is answered", !r->done && !is_empty(d));
  wait_for(d, r);
  check("… by a thread of the thread pool",
        r->err == 0 && r->addresses != NULL && is_loopback(r->addresses) && is_empty(d));
  rt_resolve_drop(r);
  int before = rt_load(&failure.asked);
  r = start(pool, d, "no-such-host.invalid", false);
  wait_for(d, r);
  check("a name that nobody has is an error", r->err == UV_EAI_NONAME && r->addresses == NULL);
  check("… which no server is asked for", before > 0 && rt_load(&failure.asked) == before);
  rt_resolve_drop(r);
}

static int error_of(rt_thread_pool *pool, rt_driver *d, int gai, int err) {
  rt_store(&failure.gai, gai);
  rt_store(&failure.err, err);
  rt_resolve *r = start(pool, d, "host.test", false);
  wait_for(d, r);
  int result = r->err;
  must("a lookup that fails has no addresses", r->addresses == NULL);
  rt_resolve_drop(r);
  rt_store(&failure.gai, 0);
  return result;
}

static void check_failures(rt_thread_pool *pool, rt_driver *d) {
  check("the errno of EAI_SYSTEM is the error",
        error_of(pool, d, EAI_SYSTEM, ECONNREFUSED) == UV_ECONNREFUSED);
  check("… and if there is none, the lookup has failed all the same",
        error_of(pool, d, EAI_SYSTEM, 0) == UV_EAI_FAIL);
  check("only the resolver says that there is no such host",
        error_of(pool, d, EAI_NONAME, 0) == UV_EAI_NONAME &&
            error_of(pool, d, EAI_NODATA, 0) == UV_EAI_NODATA &&
            error_of(pool, d, EAI_BADFLAGS, 0) == UV_EAI_BADFLAGS &&
            error_of(pool, d, EAI_ADDRFAMILY, 0) == UV_EAI_ADDRFAMILY &&
            error_of(pool, d, EAI_SOCKTYPE, 0) == UV_EAI_SOCKTYPE &&
            error_of(pool, d, EAI_OVERFLOW, 0) == UV_EAI_FAIL);
  struct rlimit before, none;
  must("the limit of descriptors is known", getrlimit(RLIMIT_NOFILE, &before) == 0);
  none = (struct rlimit){0, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  int err = error_of(pool, d, EAI_NONAME, ENOENT);
  setrlimit(RLIMIT_NOFILE, &before);
  check("… but not that there was no descriptor to look for it", err == UV_EMFILE);
}

static void check_localhost(rt_thread_pool *pool, rt_driver *d) {
  static const char *const names[] = {"localhost", "LocalHost.", "a.localhost", "a.b.LOCALHOST."};
  int asked = rt_load(&failure.asked);
  bool right = true;
  for (size_t i = 0; i < rt_countof(names); i++) {
    rt_resolve *r = start(pool, d, names[i], i % 2 == 0);
    const struct addrinfo *a = r->addresses;
    right = right && r->done && r->err == 0 && a && a->ai_family == AF_INET && is_loopback(a) &&
            a->ai_next && a->ai_next->ai_family == AF_INET6 && is_loopback(a->ai_next) &&
            a->ai_next->ai_next == NULL &&
            ntohs(((struct sockaddr_in *)a->ai_addr)->sin_port) == 80;
    rt_resolve_drop(r);
  }
  check("localhost and the names below it are the loopback addresses, at once", right);
  check("… for which no resolver is asked", rt_load(&failure.asked) == asked && is_empty(d));
  rt_store(&failure.gai, EAI_AGAIN);
  rt_resolve *r = start(pool, d, "notlocalhost", false);
  wait_for(d, r);
  check("… but a name that only ends like it is looked up", r->err == UV_EAI_AGAIN);
  rt_resolve_drop(r);
  rt_store(&failure.gai, 0);
}

/* A lookup is dropped at each stage: queued, running, posted, done. */
static void check_drop(rt_thread_pool *pool, rt_driver *d) {
  enum { N = 8 };
  rt_resolve *all[N];
  for (int i = 0; i < MANY(3000); i++) {
    int n = 1 + (int)below(N);
    for (int k = 0; k < n; k++) all[k] = start(pool, d, "host.test", false);
    if (one_in(2)) usleep((unsigned)below(300));
    if (one_in(2)) rt_driver_poll(d);
    for (int k = 0; k < n; k++) rt_resolve_drop(all[k]);
    if (one_in(4)) rt_driver_poll(d);
  }
  rt_driver_poll(d);
  check("a lookup can be dropped at any time", is_empty(d));
}

static void check_close(rt_thread_pool *pool) {
  enum { N = 4 };
  rt_resolve *all[N];
  for (int i = 0; i < MANY(1000); i++) {
    rt_driver d;
    must("a driver starts", rt_driver_init(&d, run) == 0);
    int n = 1 + (int)below(N);
    for (int k = 0; k < n; k++) all[k] = start(pool, &d, "host.test", false);
    if (one_in(2)) usleep((unsigned)below(300));
    if (one_in(4)) rt_driver_poll(&d);
    for (int k = 0; k < n; k++)
      if (all[k]->done) rt_resolve_drop(all[k]);
    rt_driver_close(&d);
  }
  check("a driver can close with lookups at any stage", true);
}

/* Work items that keep the only thread busy and the queue full. */
static rt_atomic(bool) hold;
static rt_atomic(int) ended;

static void hold_thread(rt_work_item *item) {
  (void)item;
  while (rt_load(&hold)) usleep(1000);
}

static void count_end(rt_work_item *item, bool wanted) {
  (void)item, (void)wanted;
  rt_add(&ended, 1);
}

static void check_refusal(rt_driver *d) {
  rt_thread_pool *pool = rt_thread_pool_new(1, 1, 1, 256 * 1024);
  rt_work_item items[2];
  rt_resolve *none = NULL;
  int taken = 0;
  must("there is memory", pool != NULL);
#if RT_DEBUG
  rt_alloc_fail(1, 1);
  check("without memory there is no lookup",
        rt_resolve_start(&none, pool, d, "host.test", 80, false) == UV_ENOMEM && !none);
  rt_alloc_fail(2, 1);
  check("without a thread there is no lookup",
        rt_resolve_start(&none, pool, d, "host.test", 80, false) == UV_ENOMEM && !none);
  rt_alloc_fail(0, 0);
#endif
  rt_store(&hold, true);
  for (int tries = 0; taken < 2 && tries < 5000; tries++) {
    items[taken] = (rt_work_item){.work = hold_thread, .on_done = count_end};
    if (rt_thread_pool_submit(pool, &items[taken]) == 0)
      taken++;
    else
      usleep(1000); /* the first item has not started yet */
  }
  check("when the queue is full there is no lookup",
        rt_resolve_start(&none, pool, d, "host.test", 80, false) == UV_EAGAIN);
  check("… and nothing of it is left in the caller's hands", none == NULL && is_empty(d));
  rt_store(&hold, false);
  while (rt_load(&ended) < taken) usleep(1000);
  rt_thread_pool_close(pool);
}

/* (The item stands for a lookup that no server answers.) */
static void check_hanging(rt_driver *d) {
  rt_thread_pool *pool = rt_thread_pool_new(1, 2, 8, 256 * 1024);
  rt_work_item item = {.work = hold_thread, .on_done = count_end};
  must("there is memory", pool != NULL);
  rt_list_init(&item.link);
  rt_store(&hold, true);
  rt_store(&ended, 0);
  must("it is taken", rt_thread_pool_submit(pool, &item) == 0);
  uint64_t took = RT_SECOND, soon = 50 * check_slow() * RT_MILLISECOND;
  for (int i = 0; i < ATTEMPTS && took >= soon; i++) {
    uint64_t from = rt_clock();
    rt_resolve *r = start(pool, d, "no-such-host.invalid", false);
    wait_for(d, r);
    took = rt_clock() - from;
    rt_resolve_drop(r);
  }
  check("G32 a lookup that hangs does not hold up the others", took < soon && rt_load(&ended) == 0);
  check("… whose timers are gone", is_empty(d));
  rt_store(&hold, false);
  while (rt_load(&ended) < 1) usleep(1000);
  rt_thread_pool_close(pool);
}

int main(void) {
  rt_driver d;
  rt_thread_pool *pool = rt_thread_pool_new(4, 4, 64, 256 * 1024);
  check_begin(120);
  must("a thread pool and a driver start", pool != NULL && rt_driver_init(&d, run) == 0);
  check_numeric(pool, &d);
  check_names(pool, &d);
  check_failures(pool, &d);
  check_localhost(pool, &d);
  check_drop(pool, &d);
  check_refusal(&d);
  check_hanging(&d);
  rt_driver_close(&d);
  check_close(pool);
  rt_thread_pool_close(pool);
  return check_end();
}
