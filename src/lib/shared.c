#include "lib/shared.h"

/* --- the object --------------------------------------------------------------------------------- */
static rt_shared *travel_send(lua_State *L, rt_worker *w, int index, const char **why) {
  rt_shared_ref *s = lua_touserdata(L, index);
  (void)w, (void)why;
  if (s->shared) rt_shared_hold(s->shared);
  return s->shared;
}

static void travel_receive(lua_State *L, rt_worker *w, rt_shared *t) {
  rt_shared_ref *s = rtL_shared_new(L, w, (rt_class)t->kind->class);
  rt_shared_hold(t);
  s->shared = t;
}

static const rt_travel travel = {travel_send, NULL, travel_receive, NULL};

static int collect(lua_State *L) {
  rt_shared_ref *s = lua_touserdata(L, 1);
  if (s->shared) rt_shared_drop(s->shared);
  s->shared = NULL;
  return 0;
}

static rt_shared_ref *test(lua_State *L, const rt_classes *c, int index) {
  for (int which = 0; which < RT_CLASSES; which++) {
    if (c->travel[which] != &travel) continue;
    rt_shared_ref *s = rtL_class_test(L, c, (rt_class)which, index);
    if (s) return s;
  }
  return NULL;
}

static int equal(lua_State *L) {
  const rt_classes *c = &rtL_self(L)->classes;
  const rt_shared_ref *a = test(L, c, 1), *b = test(L, c, 2);
  lua_pushboolean(L, a && b && a->shared == b->shared);
  return 1;
}

void rtL_shared_class(lua_State *L, rt_worker *w, rt_class which, const luaL_Reg *meta,
                      const luaL_Reg *methods) {
  RTL_ENTER(L, w, 0);
  static const luaL_Reg common[] = {{"__gc", collect}, {"__eq", equal}, {NULL, NULL}};
  rtL_worker_class(L, w, which, &(rt_class_def){meta, methods, NULL});
  rtL_anchor_push(L, w, RT_ANCHOR_CLASSES + (int)which);
  rtL_set_functions(L, w, common);
  lua_pop(L, 1);
  w->classes.travel[which] = &travel;
}

rt_shared_ref *rtL_shared_new(lua_State *L, rt_worker *w, rt_class which) {
  RTL_ENTER(L, w, +1);
  return rtL_class_new(L, &w->classes, which, sizeof(rt_shared_ref), 0);
}

void rtL_shared_set(lua_State *L, rt_shared_ref *s, rt_shared *t) {
  RTL_STACK_CHECK(L, 0);
  if (t == NULL) rtL_no_memory(L);
  s->shared = t;
}

rt_shared *rtL_shared_check(lua_State *L, rt_worker *w, rt_class which, int index) {
  RTL_ENTER(L, w, 0);
  const rt_shared_ref *s = rtL_class_check(L, &w->classes, which, index);
  if (s->shared == NULL) luaL_argerror(L, index, "it could not be made");
  return s->shared;
}

/* --- waiting -------------------------------------------------------------------------------------- */
rt_waiter *rtL_shared_draw(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  rt_waiter *t = rt_waiter_new(&w->driver);
  if (t == NULL) rtL_no_memory(L);
  return t;
}

int rtL_shared_wait(lua_State *L, rt_worker *w, rt_waiter *t, rt_op op, lua_KFunction k) {
  rt_worker_assert_thread(w);
  rt_waiter_park(t, w->running, op);
  return rtL_wait(L, w, k, (lua_KContext)t);
}

int rtL_shared_called(lua_State *L, rt_worker *w, lua_KContext waiter, rt_message **p) {
  RTL_ENTER(L, w, 0);
  rt_waiter *t = (rt_waiter *)waiter;
  bool called = rt_waiter_withdraw(t);
  int answer = t->answer;
  if (p) {
    *p = t->message;
    t->message = NULL;
  }
  rt_waiter_free(t);
  if (!called) rtL_wait_over(L, w);
  rtL_wait_happened(w);
  return answer;
}

int rtL_shared_refuse_closed(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, +2);
  rtL_cancel_takes_precedence(L, w);
  return rtL_shared_refuse(L, "closed");
}

int rtL_shared_refuse(lua_State *L, const char *why) {
  RTL_STACK_CHECK(L, +2);
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}
