#include "lib/operation.h"

int rtL_operation_new(lua_State *L, rt_worker *w, const rt_op_kind *kind) {
  RTL_ENTER(L, w, 1 - lua_gettop(L));
  int args = lua_gettop(L) - 1;
  if (args > 0) {
    lua_createtable(L, args, 1);
    lua_insert(L, 2);
    for (int i = args; i > 0; i--) lua_rawseti(L, 2, i);
    lua_pushinteger(L, args);
    lua_setfield(L, 2, "n");
  }
  rt_operation *o =
      rtL_class_new(L, &w->classes, RT_CLASS_OPERATION, sizeof *o, RT_OPERATION_VALUES);
  o->kind = kind;
  lua_insert(L, 1);
  if (args > 0) lua_setiuservalue(L, 1, RT_OPERATION_ARGS);
  lua_setiuservalue(L, 1, RT_OPERATION_OBJECT);
  return 1;
}

void *rtL_operation_object(lua_State *L, int op) {
  RTL_STACK_CHECK(L, 0);
  lua_getiuservalue(L, op, RT_OPERATION_OBJECT);
  void *object = lua_touserdata(L, -1);
  lua_pop(L, 1); /* the operation keeps it */
  return object;
}

void rt_operation_park(rt_branch *b, rt_list *list) {
  rt_task_park(&b->proxy, RT_OP_SELECT, b, list);
}

void rt_operation_sleep(rt_branch *b, rt_driver *d) {
  rt_wheel_add(&d->wheel, &b->timer.timer, RT_TIMER_CALL, b->due);
}
