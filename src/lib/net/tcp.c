/* lib/net/tcp.c - rt.tcp.listen, rt.tcp.connect: errands of several waits. */
#include "io/dial.h"
#include "lib/lib.h"
#include "io/resolve.h"
#include "io/sock.h"
#include "lib/net/net.h"
#include "io/tcp.h"

#include <stdio.h>

enum { BACKLOG = 128, CONNECT_SECONDS = 30 };

typedef struct errand {
  rt_resolve *lookup;
  rt_dial *dial;
  rt_timeout patience; /* while the name is looked up */
  rt_driver *driver;
  uint64_t deadline; /* by the clock */
  bool late;
  bool passive, nodelay, reuseport;
  int backlog;
  char where[RT_RESOLVE_HOST_MAX + 16];
} errand;

static void end_errand(errand *e) {
  rt_timer_remove(&e->patience.timer);
  if (e->lookup) rt_resolve_drop(e->lookup);
  if (e->dial) rt_dial_drop(e->dial);
  e->lookup = NULL;
  e->dial = NULL;
}

static int errand_gc(lua_State *L) {
  rt_worker *w = rtL_self(L);
  errand *e = rtL_class_check(L, &w->classes, RT_CLASS_ERRAND, 1);
  if (!w->stop.closed) end_errand(e);
  return 0;
}

static void on_impatient(rt_timeout *t) {
  errand *e = rt_containerof(t, errand, patience);
  e->late = true;
  rt_list *l = rt_list_first(&e->lookup->parked);
  if (l) rt_driver_wake(e->driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

static int fail_errand(lua_State *L, errand *e, int err) {
  end_errand(e);
  return rtL_fail(L, err, e->where);
}

static int finish_connect(lua_State *L, rt_worker *w, errand *e) {
  rt_stream *s = rtL_stream_new(L, w);
  int fd = rt_dial_take(e->dial);
  if (fd < 0) return fail_errand(L, e, fd);
  end_errand(e);
  if (e->nodelay) rt_tcp_nodelay(fd, true);
  int err = rt_sock_open(&s->sock, &w->driver, fd);
  return err == 0 ? 1 : rtL_fail(L, err, e->where);
}

static int finish_listen(lua_State *L, rt_worker *w, errand *e) {
  rt_listener *l = rtL_class_new(L, &w->classes, RT_CLASS_LISTENER, sizeof *l, 0);
  int fd = UV_EADDRNOTAVAIL, err;
  l->nodelay = e->nodelay;
  for (const struct addrinfo *a = e->lookup->addresses; a && fd < 0; a = a->ai_next)
    fd = rt_tcp_listen(a, e->backlog, e->reuseport);
  if (fd < 0) return fail_errand(L, e, fd);
  end_errand(e);
  if ((err = rt_sock_open(&l->sock, &w->driver, fd)) != 0) return rtL_fail(L, err, e->where);
  return 1;
}

static int go_on(lua_State *L, int status, lua_KContext ctx);

static int step(lua_State *L, rt_worker *w, errand *e) {
  rt_task *t = w->running;
  if (e->lookup == NULL) return rtL_fail(L, UV_ECANCELED, e->where); /* finalized: the end */
  if (e->late) return fail_errand(L, e, UV_ETIMEDOUT);
  if (!e->lookup->done) {
    rtL_wait_prepare(L, w, t);
    rt_task_park(t, RT_OP_RESOLVE, e, &e->lookup->parked);
    return rtL_wait(L, w, go_on, 0);
  }
  if (e->lookup->err != 0) return fail_errand(L, e, e->lookup->err);
  if (e->passive) return finish_listen(L, w, e);
  if (e->dial == NULL) {
    uint64_t now = rt_clock(), left = e->deadline > now ? e->deadline - now : 0;
    rt_timer_remove(&e->patience.timer);
    int err = rt_dial_start(&e->dial, &w->driver, e->lookup->addresses, left);
    if (err != 0) return fail_errand(L, e, err);
  }
  if (!rt_dial_is_done(e->dial)) {
    rtL_wait_prepare(L, w, t);
    rt_dial_wait(e->dial, t);
    return rtL_wait(L, w, go_on, 0);
  }
  return finish_connect(L, w, e);
}

/* Stack: host, port, options, the errand. */
static int go_on(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rtL_self(L);
  errand *e = lua_touserdata(L, 4);
  if (w->running->cause == RT_WITHDRAWN) end_errand(e);
  rtL_wait_over(L, w);
  return step(L, w, e);
}

static const char *check_host(lua_State *L, bool passive) {
  size_t len;
  const char *host = luaL_checklstring(L, 1, &len);
  luaL_argcheck(L, len > 0, 1, "empty host name");
  luaL_argcheck(L, len <= RT_RESOLVE_HOST_MAX, 1, "host name too long");
  luaL_argcheck(L, strlen(host) == len, 1, "host name with a zero byte");
  luaL_argcheck(L, passive || strcmp(host, "*") != 0, 1, "'*' is for listeners");
  return host;
}

static int check_port(lua_State *L, int least) {
  lua_Integer port = luaL_checkinteger(L, 2);
  if (port < least || port > 65535)
    luaL_argerror(
        L, 2,
        lua_pushfstring(L, "port from %d to 65535 expected, got %I", least, (LUAI_UACINT)port));
  return (int)port;
}

static void read_options(lua_State *L, errand *e) {
  uint64_t timeout = CONNECT_SECONDS * RT_SECOND;
  if (e->passive)
    rtL_check_options(L, 3, "tcp.listen", "backlog, nodelay, reuseport");
  else
    rtL_check_options(L, 3, "tcp.connect", "timeout, nodelay");
  e->nodelay = rtL_option_bool(L, 3, "nodelay", true);
  e->reuseport = rtL_option_bool(L, 3, "reuseport", false);
  e->backlog = BACKLOG;
  if (rtL_option(L, 3, "backlog") != LUA_TNIL) {
    int valid;
    lua_Integer backlog = lua_tointegerx(L, -1, &valid);
    if (!valid || backlog < 1 || backlog > 65535)
      luaL_error(L, "option 'backlog': an integer from 1 to 65535 expected");
    e->backlog = (int)backlog;
  }
  lua_pop(L, 1);
  if (rtL_option(L, 3, "timeout") != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "option 'timeout': a number of seconds expected");
    timeout = rtL_duration_of(L, 3, lua_tonumber(L, -1));
  }
  lua_pop(L, 1);
  uint64_t now = rt_clock();
  e->deadline = timeout < RT_FOREVER - now ? now + timeout : RT_FOREVER;
}

/* What server:address() and listener:sock() end with: what they return can be passed on. */
static bool is_family(lua_State *L, int arg) {
  const char *family = lua_type(L, arg) == LUA_TSTRING ? lua_tostring(L, arg) : "";
  return strcmp(family, "inet") == 0 || strcmp(family, "inet6") == 0;
}

static int run_errand(lua_State *L, bool passive) {
  rt_worker *w = rtL_self(L);
  const char *host = check_host(L, passive);
  int port = check_port(L, passive ? 0 : 1);
  lua_settop(L, 3);
  if (!passive && is_family(L, 3)) {
    lua_pushnil(L);
    lua_replace(L, 3);
  }
  rtL_cancel_checkpoint(L, w);
  errand *e = rtL_class_new(L, &w->classes, RT_CLASS_ERRAND, sizeof *e, 0);
  e->driver = &w->driver;
  e->passive = passive;
  rt_timeout_init(&e->patience, on_impatient);
  snprintf(e->where, sizeof e->where, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
  read_options(L, e);
  rt_thread_pool *thread_pool = rt_worker_thread_pool(w);
  if (thread_pool == NULL) return rtL_no_memory(L);
  int err = rt_resolve_start(&e->lookup, thread_pool, &w->driver, host, port, passive);
  if (err != 0) return rtL_fail(L, err, e->where);
  if (!passive && !e->lookup->done && e->deadline != RT_FOREVER) {
    uint64_t now = rt_clock();
    rt_wheel_add(&w->driver.wheel, &e->patience.timer, RT_TIMER_CALL,
                 rt_driver_after(&w->driver, e->deadline > now ? e->deadline - now : 0));
  }
  return step(L, w, e);
}

/* listener | nil, message, code = rt.tcp.listen(host, port [, options]) */
static int tcp_listen(lua_State *L) { return run_errand(L, true); }

/* stream | nil, message, code = rt.tcp.connect(host, port [, options]) */
static int tcp_connect(lua_State *L) { return run_errand(L, false); }

void rtL_open_tcp(lua_State *L, rt_worker *w) {
  static const luaL_Reg errand_meta[] = {{"__gc", errand_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"listen", tcp_listen}, {"connect", tcp_connect}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_ERRAND, &(rt_class_def){.meta = errand_meta});
  lua_newtable(L);
  rtL_set_functions(L, w, functions);
  lua_setfield(L, -2, "tcp");
}
