#include "worker/class.h"

#include "base/fork.h"
#include "worker/error.h"
#include "worker/stack_check.h"

#include <string.h>

static const char *const names[RT_CLASSES] = {
    [RT_CLASS_TASK] = "rt.task",
    [RT_CLASS_CANCELLED] = "rt.Cancelled",
    [RT_CLASS_FAILURE] = "rt.failure",
    [RT_CLASS_LISTENER] = "rt.listener",
    [RT_CLASS_STREAM] = "rt.stream",
    [RT_CLASS_TCP_SETUP] = "rt.tcp_setup",
    [RT_CLASS_GC_SENTINEL] = "rt.gc_sentinel",
    [RT_CLASS_JOB] = "rt.task",
    [RT_CLASS_LOADING] = "rt.loading",
    [RT_CLASS_CHANNEL] = "rt.channel",
    [RT_CLASS_GROUP] = "rt.group",
    [RT_CLASS_OPERATION] = "rt.operation",
    [RT_CLASS_SELECT] = "rt.select",
    [RT_CLASS_DICT] = "rt.dict",
    [RT_CLASS_MUTEX] = "rt.mutex",
    [RT_CLASS_GUARD] = "rt.guard",
    [RT_CLASS_GUARD_SENTINEL] = "rt.guard_sentinel",
    [RT_CLASS_SEMAPHORE] = "rt.semaphore",
    [RT_CLASS_LIMITER] = "rt.limiter",
    [RT_CLASS_PERMIT] = "rt.permit",
    [RT_CLASS_NOTIFY] = "rt.notify",
    [RT_CLASS_BARRIER] = "rt.barrier",
    [RT_CLASS_ONCE] = "rt.once",
    [RT_CLASS_RUN] = "rt.run",
    [RT_CLASS_WATCH] = "rt.watch",
    [RT_CLASS_WATCHER] = "rt.watcher",
    [RT_CLASS_BROADCAST] = "rt.broadcast",
    [RT_CLASS_SUBSCRIBER] = "rt.subscriber",
};

const char rt_class_tags[RT_CLASSES];

const char *rt_class_name(rt_class which) { return names[which]; }

enum {
  TABLE_SIZE = 32
}; /* of metatables and method tables: larger than needed, so few names collide */

/* Stack: … shared table -> … shared table. Upvalue 1 is the address of the shared userdata, since
** that is faster to read (3 to 6 instructions a call), and upvalue 2 keeps the userdata. */
static void set_functions(lua_State *L, const luaL_Reg *functions) {
  lua_pushlightuserdata(L, lua_touserdata(L, -2));
  lua_pushvalue(L, -3);
  luaL_setfuncs(L, functions, 2);
}

void rtL_class_define(lua_State *L, rt_classes *c, rt_class which, const rt_class_def *def) {
  RTL_STACK_CHECK(L, 0);
  lua_createtable(L, 0, TABLE_SIZE);
  lua_pushstring(L, names[which]);
  lua_setfield(L, -2, "__name");
  if (def->meta) set_functions(L, def->meta);
  if (def->methods) {
    lua_pushvalue(L, -2);
    lua_createtable(L, 0, TABLE_SIZE);
    set_functions(L, def->methods);
    lua_remove(L, -2);
    if (def->fields) {
      lua_pushvalue(L, -3);
      lua_insert(L, -2);
      lua_pushcclosure(L, def->fields, 2);
    }
    lua_setfield(L, -2, "__index");
  }
  c->metatable[which] = lua_topointer(L, -1);
  lua_xmove(L, c->anchors, 1);
  lua_replace(c->anchors, RT_ANCHOR_CLASSES + (int)which);
}

void *rtL_class_new(lua_State *L, const rt_classes *c, rt_class which, size_t size, int values) {
  RTL_STACK_CHECK(L, +1);
  void *object = lua_newuserdatauv(L, size, values);
  memset(object, 0, size);
  lua_pushvalue(c->anchors, RT_ANCHOR_CLASSES + (int)which);
  lua_xmove(c->anchors, L, 1);
  lua_setmetatable(L, -2);
  return object;
}

void *rt_class_test(lua_State *L, const rt_classes *c, rt_class which, int index) {
  RTL_STACK_CHECK(L, 0);
  void *object = lua_touserdata(L, index);
  if (object == NULL || !lua_getmetatable(L, index)) return NULL;
  const void *metatable = lua_topointer(L, -1);
  lua_pop(L, 1);
  return metatable == c->metatable[which] ? object : NULL;
}

void *rtL_class_check(lua_State *L, const rt_classes *c, rt_class which, int index) {
  RTL_STACK_CHECK(L, 0);
  void *object = rt_class_test(L, c, which, index);
  if (object == NULL) rtL_class_refuse(L, which, index);
  return object;
}

int rtL_class_refuse(lua_State *L, rt_class which, int index) {
  rtL_error_if_forked(L);
  return luaL_typeerror(L, index, names[which]);
}

int rtL_class_refuse_close(lua_State *L, rt_class which, int index) {
  return rt_fork_is_child() ? 0 : luaL_typeerror(L, index, names[which]);
}

/* No metatable has the address NULL. */
void rt_classes_leave(rt_classes *c) {
  static const bool stays[RT_CLASSES] = {[RT_CLASS_CANCELLED] = true,
                                         [RT_CLASS_FAILURE] = true,
                                         [RT_CLASS_GC_SENTINEL] = true,
                                         [RT_CLASS_LOADING] = true};
  for (int i = 0; i < RT_CLASSES; i++)
    if (!stays[i]) c->metatable[i] = NULL;
}
