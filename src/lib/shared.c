#include "lib/shared.h"

/* --- the object --------------------------------------------------------------------------------- */
static rt_thing *travel_send(lua_State *L, rt_worker *w, int index, const char **why) {
  rt_shared *s = lua_touserdata(L, index);
  (void)w, (void)why;
  if (s->thing) rt_thing_hold(s->thing);
  return s->thing;
}

static void travel_receive(lua_State *L, rt_worker *w, rt_thing *t) {
  rt_shared *s = rtL_shared_new(L, w, (rt_class)t->kind->class);
  rt_thing_hold(t);
  s->thing = t;
}

static const rt_travel travel = {travel_send, NULL, travel_receive, NULL};

static int collect(lua_State *L) {
  rt_shared *s = lua_touserdata(L, 1);
  if (s->thing) rt_thing_drop(s->thing);
  s->thing = NULL;
  return 0;
}

static rt_shared *test(lua_State *L, const rt_classes *c, int index) {
  for (int which = 0; which < RT_CLASSES; which++) {
    if (c->travel[which] != &travel) continue;
    rt_shared *s = rtL_class_test(L, c, (rt_class)which, index);
    if (s) return s;
  }
  return NULL;
}

static int equal(lua_State *L) {
  const rt_classes *c = &rtL_self(L)->classes;
  const rt_shared *a = test(L, c, 1), *b = test(L, c, 2);
  lua_pushboolean(L, a && b && a->thing == b->thing);
  return 1;
}

void rtL_shared_class(lua_State *L, rt_worker *w, rt_class which, const luaL_Reg *meta,
                      const luaL_Reg *methods) {
  RTL_ENTER(L, w, 0);
  static const luaL_Reg common[] = {{"__gc", collect}, {"__eq", equal}, {NULL, NULL}};
  rtL_worker_class(L, w, which, &(rt_class_def){meta, methods, NULL});
  rtL_keep_push(L, w, RT_KEEP_CLASSES + (int)which);
  rtL_set_functions(L, w, common);
  lua_pop(L, 1);
  w->classes.travel[which] = &travel;
}

rt_shared *rtL_shared_new(lua_State *L, rt_worker *w, rt_class which) {
  RTL_ENTER(L, w, +1);
  return rtL_class_new(L, &w->classes, which, sizeof(rt_shared), 0);
}

void rtL_shared_set(lua_State *L, rt_shared *s, rt_thing *t) {
  RTL_HEIGHT(L, 0);
  if (t == NULL) luaL_error(L, "not enough memory");
  s->thing = t;
}

rt_thing *rtL_shared_check(lua_State *L, rt_worker *w, rt_class which, int index) {
  RTL_ENTER(L, w, 0);
  const rt_shared *s = rtL_class_check(L, &w->classes, which, index);
  if (s->thing == NULL) luaL_argerror(L, index, "it could not be made");
  return s->thing;
}

/* --- waiting -------------------------------------------------------------------------------------- */
rt_ticket *rtL_shared_draw(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  rt_ticket *t = rt_ticket_draw(&w->driver);
  if (t == NULL) luaL_error(L, "not enough memory");
  return t;
}

int rtL_shared_wait(lua_State *L, rt_worker *w, rt_ticket *t, rt_op op, lua_KFunction k) {
  rt_worker_own(w);
  rt_ticket_park(t, w->running, op);
  return rtL_wait(L, w, k, (lua_KContext)t);
}

int rtL_shared_called(lua_State *L, rt_worker *w, lua_KContext ticket, rt_packet **p) {
  RTL_ENTER(L, w, 0);
  rt_ticket *t = (rt_ticket *)ticket;
  bool called = rt_ticket_withdraw(t);
  int answer = t->answer;
  if (p) {
    *p = t->packet;
    t->packet = NULL;
  }
  rt_ticket_tear(t);
  if (!called) rtL_wait_over(L, w);
  rtL_wait_happened(w);
  return answer;
}

int rtL_shared_refuse_closed(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, +2);
  rtL_cancel_rather(L, w);
  return rtL_shared_refuse(L, "closed");
}

int rtL_shared_refuse(lua_State *L, const char *why) {
  RTL_HEIGHT(L, +2);
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}
