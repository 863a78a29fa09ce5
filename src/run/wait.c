#include "run/wait.h"

#include "run/deadlock.h"
#include "run/loop.h"
#include "worker/function_name.h"

static bool is_one_of(const char *name, const char *const *list) {
  for (; *list; list++)
    if (strcmp(name, *list) == 0) return true;
  return false;
}

/* Is the function on top one of rt's? They can all be suspended. */
static bool is_ours(lua_State *L, const rt_worker *w) {
  if (lua_getupvalue(L, -1, 1) == NULL) return false;
  bool ours = lua_touserdata(L, -1) == w;
  lua_pop(L, 1);
  return ours;
}

/* Pushes the name, as the user knows it, of the innermost C function that cannot be suspended. */
static const char *push_boundary(lua_State *L, const rt_worker *w) {
  static const char *const transparent[] = {"pcall", "xpcall", "dofile", "coroutine.resume", NULL};
  lua_Debug ar;
  int height = lua_gettop(L);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_settop(L, height);
    lua_getinfo(L, "nSf", &ar);
    if (ar.name && strcmp(ar.namewhat, "metamethod") == 0 && strcmp(ar.name, "__gc") == 0)
      return lua_pushliteral(L, "a finalizer");
    if (*ar.what == 'C' && !is_ours(L, w)) {
      const char *name = rtL_function_name(L);
      if (name == NULL) name = ar.name;
      bool ours =
          name && w->in_rt_lua && strcmp(name, "require") == 0; /* rt-lua's can be suspended */
      if (name && !ours && !is_one_of(name, transparent)) return lua_pushfstring(L, "'%s'", name);
    }
  }
  return NULL;
}

#define CANNOT "cannot wait here: "

static void raise_boundary(lua_State *L, rt_worker *w) {
  const char *name = push_boundary(L, w);
  rtL_call_site_error(L, &w->call_sites,
                      CANNOT "%s, a C function, called this code and cannot be suspended",
                      name ? name : "the embedding program");
}

void rtL_wait_check_place(lua_State *L, rt_worker *w, rt_task *t) {
  if (t->is_main) {
    if (rt_unlikely(w->driver.inside))
      rtL_call_site_error(L, &w->call_sites, "cannot wait inside a callback of the runtime");
    return;
  }
  if (rt_unlikely(L != w->current.co))
    rtL_call_site_error(L, &w->call_sites,
                        CANNOT
                        "this coroutine was resumed by a function that rt does not know "
                        "(coroutine.resume or coroutine.wrap taken before require \"rt\"?)");
  if (rt_unlikely(!lua_isyieldable(L))) raise_boundary(L, w);
  if (rt_unlikely(w->current.blocked))
    rtL_call_site_error(L, &w->call_sites,
                        CANNOT
                        "a coroutine further out was resumed by a C function that cannot be "
                        "suspended");
}

void rtL_wait_examine(lua_State *L, rt_worker *w, rt_task *t) {
  RTL_ENTER(L, w, 0);
  rtL_cancel_check(L, w, t);
  rtL_wait_check_place(L, w, t);
}

int rtL_wait_in_main(lua_State *L, rt_worker *w, lua_KFunction k, lua_KContext ctx) {
  rt_worker_assert_thread(w);
  rtL_loop_drive(w, L);
  return k(L, LUA_YIELD, ctx);
}

bool rtL_wait_in_place(lua_State *L, rt_worker *w) {
  bool in_main = w->current.task->is_main;
  if (in_main) rtL_loop_drive(w, L);
  return in_main;
}

void rtL_wait_called_off(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  rt_task *t = w->current.task;
  t->cause = RT_FIRED;
  if (rt_unlikely(t->is_main && w->deadlock.to_raise)) rtL_deadlock_raise(L, w);
  rtL_cancel_check(L, w, t);
}

bool rt_wait_spent(lua_State *L, rt_worker *w, rt_task *t) {
  RTL_ENTER(L, w, 0);
  if (!t->is_main && (L != w->current.co || w->current.blocked || !lua_isyieldable(L)))
    return false; /* this code cannot yield */
  rt_ready_add(&w->driver.ready, t);
  return true;
}
