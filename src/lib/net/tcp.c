/* lib/net/tcp.c - rt.tcp.listen and rt.tcp.connect.
**
** Each waits several times: for the lookup of the name, and then for a connection. Its state is a
** tcp_setup, a userdata on the stack of the method, so that an error or a finalized coroutine ends
** what is under way. Because of these steps, and since a connection that was begun cannot be
** undone, neither is an operation of lib/operation.h.
*/
#include "io/dial.h"
#include "io/resolve.h"
#include "io/sock.h"
#include "io/tcp.h"
#include "lib/lib.h"
#include "lib/net/net.h"
#include "run/idle_gc.h"

#include <stdio.h>

enum { BACKLOG = 128, CONNECT_SECONDS = 30 };

typedef struct tcp_setup {
  rt_resolve *lookup;
  rt_dial *dial;
  rt_timer_call lookup_timer; /* connect: the time for the lookup */
  rt_driver *driver;
  uint64_t deadline; /* connect: a time of rt_clock, or RT_FOREVER */
  bool timed_out;    /* in the lookup */
  bool collected;    /* descriptors were lacking, and garbage was collected */
  bool passive, nodelay, reuseport;
  int backlog;
  char where[RT_RESOLVE_HOST_MAX + 16];
} tcp_setup;

static void end_setup(tcp_setup *s) {
  rt_timer_remove(&s->lookup_timer.timer);
  if (s->lookup) rt_resolve_drop(s->lookup);
  if (s->dial) rt_dial_drop(s->dial);
  s->lookup = NULL;
  s->dial = NULL;
}

static int tcp_setup_gc(lua_State *L) {
  rt_worker *w = rt_self(L);
  tcp_setup *s = rt_class_test(L, &w->classes, RT_CLASS_TCP_SETUP, 1);
  if (s == NULL) return rtL_class_refuse_close(L, RT_CLASS_TCP_SETUP, 1);
  if (!w->stop.closed) end_setup(s);
  return 0;
}

static void on_lookup_timeout(rt_timer_call *call) {
  tcp_setup *s = rt_containerof(call, tcp_setup, lookup_timer);
  s->timed_out = true;
  rt_list *l = rt_list_first(&s->lookup->parked);
  if (l) rt_driver_wake(s->driver, rt_containerof(l, rt_task, link), RT_FIRED);
}

static int fail_setup(lua_State *L, tcp_setup *s, int err) {
  end_setup(s);
  return rtL_fail(L, err, s->where);
}

/* Descriptors are lacking: streams that are garbage may have them. True: it is worth trying again,
** which happens once. */
static bool frees_descriptors(lua_State *L, rt_worker *w, tcp_setup *s, int err) {
  if (s->collected || !rt_tcp_lacks_descriptor(err)) return false;
  s->collected = true;
  return rt_idle_gc_full(L, w);
}

static int setup_step(lua_State *L, rt_worker *w, tcp_setup *s);

static int finish_connect(lua_State *L, rt_worker *w, tcp_setup *s) {
  rt_stream *stream = rtL_stream_new(L, w);
  int fd = rt_dial_take(s->dial);
  if (frees_descriptors(L, w, s, fd)) {
    lua_pop(L, 1);
    rt_dial_drop(s->dial);
    s->dial = NULL;
    return setup_step(L, w, s);
  }
  if (fd < 0) return fail_setup(L, s, fd);
  end_setup(s);
  if (s->nodelay) rt_tcp_nodelay(fd, true);
  int err = rt_sock_open(&stream->sock, &w->driver, fd);
  return err == 0 ? 1 : rtL_fail(L, err, s->where);
}

static int finish_listen(lua_State *L, rt_worker *w, tcp_setup *s) {
  rt_listener *l = rtL_listener_new(L, w);
  int fd = rt_tcp_listen(s->lookup->addresses, s->backlog, s->reuseport), err;
  l->nodelay = s->nodelay;
  if (frees_descriptors(L, w, s, fd))
    fd = rt_tcp_listen(s->lookup->addresses, s->backlog, s->reuseport);
  if (fd < 0) return fail_setup(L, s, fd);
  end_setup(s);
  if ((err = rt_sock_open(&l->sock, &w->driver, fd)) != 0) return rtL_fail(L, err, s->where);
  return 1;
}

static int setup_resume(lua_State *L, int status, lua_KContext ctx);

static int setup_step(lua_State *L, rt_worker *w, tcp_setup *s) {
  rt_task *t = w->current.task;
  if (s->lookup == NULL)
    return rtL_fail(L, UV_ECANCELED, s->where); /* finalized: the state is closed */
  if (s->timed_out) return fail_setup(L, s, UV_ETIMEDOUT);
  if (!s->lookup->done) {
    rtL_wait_prepare(L, w, t);
    rt_task_park(t, RT_OP_RESOLVE, s, &s->lookup->parked);
    return rtL_wait(L, w, setup_resume, 0);
  }
  if (s->lookup->err != 0) return fail_setup(L, s, s->lookup->err);
  if (s->passive) return finish_listen(L, w, s);
  if (s->dial == NULL) {
    uint64_t now = rt_clock(), left = s->deadline > now ? s->deadline - now : 0;
    rt_timer_remove(&s->lookup_timer.timer);
    int err = rt_dial_start(&s->dial, &w->driver, s->lookup->addresses, left);
    if (err != 0) return fail_setup(L, s, err);
  }
  if (!rt_dial_is_done(s->dial)) {
    rtL_wait_prepare(L, w, t);
    rt_dial_wait(s->dial, t);
    return rtL_wait(L, w, setup_resume, 0);
  }
  return finish_connect(L, w, s);
}

/* Stack: host, port, options, the tcp_setup. */
static int setup_resume(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rt_worker *w = rt_self(L);
  tcp_setup *s = lua_touserdata(L, 4);
  if (w->current.task->cause == RT_WITHDRAWN) end_setup(s);
  rtL_wait_over(L, w);
  return setup_step(L, w, s);
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

static int check_port(lua_State *L, int min) {
  lua_Integer port = luaL_checkinteger(L, 2);
  if (port < min || port > 65535)
    luaL_argerror(
        L, 2, lua_pushfstring(L, "port from %d to 65535 expected, got %I", min, (LUAI_UACINT)port));
  return (int)port;
}

static void read_options(lua_State *L, tcp_setup *s) {
  uint64_t timeout = CONNECT_SECONDS * RT_SECOND;
  if (s->passive)
    rtL_check_options(L, 3, "tcp.listen", "backlog, nodelay, reuseport");
  else
    rtL_check_options(L, 3, "tcp.connect", "timeout, nodelay");
  s->nodelay = rtL_option_bool(L, 3, "nodelay", true);
  s->reuseport = rtL_option_bool(L, 3, "reuseport", false);
  s->backlog = BACKLOG;
  if (rtL_option(L, 3, "backlog") != LUA_TNIL) {
    int valid;
    lua_Integer backlog = lua_tointegerx(L, -1, &valid);
    if (!valid || backlog < 1 || backlog > 65535)
      luaL_error(L, "option 'backlog': an integer from 1 to 65535 expected");
    s->backlog = (int)backlog;
  }
  lua_pop(L, 1);
  if (rtL_option(L, 3, "timeout") != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "option 'timeout': a number of seconds expected");
    timeout = rtL_duration_of(L, 3, lua_tonumber(L, -1));
  }
  lua_pop(L, 1);
  uint64_t now = rt_clock();
  s->deadline = timeout < RT_FOREVER - now ? now + timeout : RT_FOREVER;
}

/* The third result of server:address() and listener:sock(), which a program may pass on to
** connect. */
static bool is_family(lua_State *L, int arg) {
  const char *family = lua_type(L, arg) == LUA_TSTRING ? lua_tostring(L, arg) : "";
  return strcmp(family, "inet") == 0 || strcmp(family, "inet6") == 0;
}

static int run_setup(lua_State *L, bool passive) {
  rt_worker *w = rt_self(L);
  const char *host = check_host(L, passive);
  int port = check_port(L, passive ? 0 : 1);
  lua_settop(L, 3);
  if (!passive && is_family(L, 3)) {
    lua_pushnil(L);
    lua_replace(L, 3);
  }
  rtL_cancel_checkpoint(L, w);
  tcp_setup *s = rtL_class_new(L, &w->classes, RT_CLASS_TCP_SETUP, sizeof *s, 0);
  s->driver = &w->driver;
  s->passive = passive;
  rt_timer_call_init(&s->lookup_timer, on_lookup_timeout);
  snprintf(s->where, sizeof s->where, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
  read_options(L, s);
  rt_thread_pool *thread_pool = rt_worker_thread_pool(w);
  if (thread_pool == NULL) return rtL_error_no_memory(L);
  int err = rt_resolve_start(&s->lookup, thread_pool, &w->driver, host, port, passive);
  if (err != 0) return rtL_fail(L, err, s->where);
  if (!passive && !s->lookup->done && s->deadline != RT_FOREVER) {
    uint64_t now = rt_clock();
    rt_wheel_add(&w->driver.wheel, &s->lookup_timer.timer, RT_TIMER_CALL,
                 rt_driver_after(&w->driver, s->deadline > now ? s->deadline - now : 0));
  }
  return setup_step(L, w, s);
}

/* listener | nil, message, code = rt.tcp.listen(host, port [, options]) */
static int tcp_listen(lua_State *L) { return run_setup(L, true); }

/* stream | nil, message, code = rt.tcp.connect(host, port [, options]) */
static int tcp_connect(lua_State *L) { return run_setup(L, false); }

void rtL_open_tcp(lua_State *L, rt_worker *w) {
  static const luaL_Reg setup_meta[] = {{"__gc", tcp_setup_gc}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"listen", tcp_listen}, {"connect", tcp_connect}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_TCP_SETUP, &(rt_class_def){.meta = setup_meta});
  lua_newtable(L);
  rtL_set_functions(L, w, functions);
  lua_setfield(L, -2, "tcp");
}
