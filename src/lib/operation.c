#include "lib/operation.h"

/* --- waiting, in a method --------------------------------------------------------------------- */
/* Stack: that of the method, with its object at index 1. */
static int begin_again(lua_State *L, rt_worker *w, const rt_op_kind *kind) {
  return rtL_operation_begin(L, w, kind, lua_touserdata(L, 1), kind->number ? kind->number(L) : 0);
}

static int resume_yielded(lua_State *L, int status, lua_KContext context) {
  (void)status;
  rt_worker *w = rt_self(L);
  const rt_op_kind *kind = (const rt_op_kind *)context;
  if (kind->count_waiting) kind->count_waiting(lua_touserdata(L, 1), -1);
  rtL_wait_after_yield(L, w);
  return begin_again(L, w, kind);
}

int rtL_operation_yield(lua_State *L, rt_worker *w, const rt_op_kind *kind, void *object) {
  rt_worker_assert_thread(w);
  if (kind->count_waiting) kind->count_waiting(object, +1);
  return rtL_wait(L, w, resume_yielded, (lua_KContext)kind);
}

int rtL_operation_no_memory(lua_State *L, rt_worker *w, rt_message *unsent) {
  rt_worker_assert_thread(w);
  if (unsent) rt_pack_undo(w, unsent);
  return rtL_error_no_memory(L);
}

static void free_waiter(rt_branch *b) {
  if (b->waiter == NULL) return;
  b->waiter->message = NULL; /* it is still in the branch */
  rt_waiter_free(b->waiter);
  b->waiter = NULL;
}

/* After 'arm' has returned false: with a new waiter, until it is armed or done. */
int rtL_operation_retry(lua_State *L, rt_worker *w, const rt_op_kind *kind, rt_branch b) {
  rt_worker_assert_thread(w);
  do {
    free_waiter(&b);
    if (b.error != 0) return rtL_fail(L, b.error, NULL);
    int results = kind->attempt(L, w, &b);
    if (results >= 0) return results;
  } while (!rtL_operation_park(L, w, kind, &b));
  return rtL_operation_suspend(L, w, kind, &b);
}

int rtL_operation_resume_called(lua_State *L, int status, lua_KContext context) {
  (void)status;
  rt_worker *w = rt_self(L);
  rt_waiter *waiter = (rt_waiter *)context;
  const rt_op_kind *kind = waiter->owner;
  bool called = rt_waiter_withdraw(waiter);
  rt_branch b = {.object = lua_touserdata(L, 1),
                 .number = (uint64_t)waiter->want,
                 .message = waiter->message,
                 .answer = waiter->answer};
  waiter->message = NULL;
  rt_waiter_free(waiter);
  if (rt_likely(called)) {
    rt_wait_happened(w);
    return kind->finish(L, w, &b);
  }
  if (b.message) rt_pack_undo(w, b.message);
  rtL_wait_over(L, w);
  return begin_again(L, w, kind);
}

int rtL_operation_resume_woken(lua_State *L, int status, lua_KContext context) {
  (void)status;
  rt_worker *w = rt_self(L);
  const rt_op_kind *kind = (const rt_op_kind *)context;
  if (kind->count_waiting) kind->count_waiting(lua_touserdata(L, 1), -1);
  rtL_wait_over(L, w);
  return begin_again(L, w, kind);
}

/* --- values for rt.select --------------------------------------------------------------------- */
int rtL_operation_new(lua_State *L, rt_worker *w, const rt_op_kind *kind, uint64_t number) {
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
  o->object = lua_touserdata(L, 1); /* the user value keeps it alive */
  o->number = number;
  o->is_mapped = false;
  lua_insert(L, 1);
  if (args > 0) lua_setiuservalue(L, 1, RT_OPERATION_ARGS);
  lua_setiuservalue(L, 1, RT_OPERATION_OBJECT);
  return 1;
}
