#include "lib/shared.h"

rt_shared *rt_shared_ref_send(lua_State *L, rt_worker *w, int index, const char **why) {
  RTL_ENTER(L, w, 0);
  const rt_shared_ref *ref = lua_touserdata(L, index);
  (void)why;
  if (ref->shared) rt_shared_hold(ref->shared);
  return ref->shared;
}

void rtL_shared_receive(lua_State *L, rt_worker *w, rt_shared *object) {
  RTL_ENTER(L, w, +1);
  rt_shared_ref *ref = rtL_shared_new(L, w, (rt_class)object->kind->class);
  rt_shared_hold_handle(object);
  ref->shared = object;
}

/* Upvalue 2 is the class, as for shared_eq. A program may call this by hand, with anything. */
static int shared_gc(lua_State *L) {
  rt_class which = (rt_class)lua_tointeger(L, lua_upvalueindex(2));
  rt_shared_ref *ref = rt_class_test(L, &rt_self(L)->classes, which, 1);
  if (ref == NULL) return rtL_class_refuse_close(L, which, 1);
  rt_shared *shared = ref->shared;
  ref->shared = NULL;
  if (shared) rt_shared_drop_and_look(shared, RT_SHARED_HANDLE);
  return 0;
}

int rtL_shared_end(lua_State *L, rt_class which, lua_CFunction close) {
  bool is_one = rt_class_test(L, &rt_self(L)->classes, which, 1) != NULL;
  return is_one ? close(L) : rtL_class_refuse_close(L, which, 1);
}

static int shared_eq(lua_State *L) {
  const rt_classes *c = &rt_self(L)->classes;
  rt_class which = (rt_class)lua_tointeger(L, lua_upvalueindex(2));
  const rt_shared_ref *a = rt_class_test(L, c, which, 1), *b = rt_class_test(L, c, which, 2);
  if (a == NULL || b == NULL) rtL_error_if_forked(L);
  lua_pushboolean(L, a && b && a->shared == b->shared);
  return 1;
}

/* Stack: the metatable -> the metatable */
static void set_metamethod(lua_State *L, rt_worker *w, rt_class which, const char *name,
                           lua_CFunction f) {
  rt_anchor_push(L, w, RT_ANCHOR_SELF);
  lua_pushinteger(L, which);
  lua_pushcclosure(L, f, 2);
  lua_setfield(L, -2, name);
}

void rtL_shared_class(lua_State *L, rt_worker *w, rt_class which, const rt_class_def *def) {
  RTL_ENTER(L, w, 0);
  static const rt_travel shared_travel = {rt_shared_ref_send, NULL, rtL_shared_receive, NULL};
  rtL_worker_class(L, w, which, def);
  rt_anchor_push(L, w, RT_ANCHOR_CLASSES + (int)which);
  set_metamethod(L, w, which, "__gc", shared_gc);
  set_metamethod(L, w, which, "__eq", shared_eq);
  lua_pop(L, 1);
  w->classes.travel[which] = &shared_travel;
}

rt_shared_ref *rtL_shared_new(lua_State *L, rt_worker *w, rt_class which) {
  RTL_ENTER(L, w, +1);
  return rtL_class_new(L, &w->classes, which, sizeof(rt_shared_ref), 0);
}

void rtL_shared_set(lua_State *L, rt_shared_ref *ref, rt_shared *object) {
  RTL_STACK_CHECK(L, 0);
  if (object == NULL) rtL_error_no_memory(L);
  rt_shared_make_handle(object);
  ref->shared = object;
}

int rtL_shared_finalized(lua_State *L, int index) {
  return luaL_argerror(L, index, "it has been finalized");
}

int rtL_shared_iterate(lua_State *L, rt_worker *w, lua_CFunction next) {
  RTL_ENTER(L, w, 2 - lua_gettop(L));
  lua_settop(L, 1);
  rt_anchor_push(L, w, RT_ANCHOR_SELF);
  lua_pushcclosure(L, next, 1);
  lua_insert(L, 1);
  return 2;
}

int rtL_shared_item(lua_State *L, rt_worker *w, int values) {
  RTL_ENTER(L, w, 0);
  if (rt_unlikely(values == 0 || lua_isnil(L, -values)))
    rtL_call_site_error(L, &w->call_sites,
                        "a loop cannot have a message that begins with nil: use recv");
  return values;
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
