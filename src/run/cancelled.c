#include "run/cancelled.h"

#include "pack/pack.h"
#include "pack/state.h"
#include "pack/unpack.h"
#include "run/shutdown.h"
#include "worker/error_text.h"

enum { REASON = 1, SOURCE, VALUES = SOURCE }; /* the user values */

typedef struct cancelled {
  uint64_t scope; /* serial number of the cancel scope that was cancelled; 0: the whole task was */
} cancelled;

void rtL_cancelled_push(lua_State *L, rt_worker *w, uint64_t scope) {
  RTL_ENTER(L, w, -1);
  cancelled *c = rtL_class_new(L, &w->classes, RT_CLASS_CANCELLED, sizeof *c, VALUES);
  c->scope = scope;
  lua_insert(L, -3);
  lua_setiuservalue(L, -3, SOURCE);
  lua_setiuservalue(L, -2, REASON);
}

int rtL_cancelled_raise(lua_State *L, rt_worker *w) {
  rt_worker_assert_thread(w);
  rtL_cancelled_push(L, w, 0);
  return lua_error(L);
}

bool rt_cancelled_is_of(lua_State *L, rt_worker *w, int index, uint64_t serial) {
  RTL_ENTER(L, w, 0);
  const cancelled *c = rt_class_test(L, &w->classes, RT_CLASS_CANCELLED, index);
  return c != NULL && c->scope == serial;
}

/* --- sending it to another state: the reason is copied ---------------------------------------- */
typedef struct sent_cancelled {
  rt_shared shared;
  rt_message *reason;
} sent_cancelled;

static void sent_cancelled_free(rt_shared *shared) {
  sent_cancelled *sent = rt_containerof(shared, sent_cancelled, shared);
  rt_message_drop(sent->reason);
  rt_free(sent);
}

static const rt_shared_kind cancelled_kind = {"cancelled", sent_cancelled_free, RT_CLASS_CANCELLED,
                                              NULL};

static rt_shared *cancelled_send(lua_State *L, rt_worker *w, int index, const char **why) {
  if (rt_pack_depth(w) > RT_PACK_NESTED) {
    *why = "an rt.Cancelled too deep in the reasons of others, or in its own";
    return NULL;
  }
  int first = lua_gettop(L) + 1;
  lua_getiuservalue(L, index, REASON);
  lua_getiuservalue(L, index, SOURCE);
  rt_message *reason = rtL_pack(L, w, first, RT_PACK_KEPT);
  lua_settop(L, first - 1);
  sent_cancelled *sent = rt_malloc(sizeof *sent);
  if (sent == NULL) {
    rt_message_drop(reason);
    rtL_error_no_memory(L);
  }
  rt_shared_init(&sent->shared, &cancelled_kind);
  sent->reason = reason;
  return &sent->shared;
}

static void cancelled_receive(lua_State *L, rt_worker *w, rt_shared *shared) {
  rtL_unpack(L, w, rt_containerof(shared, sent_cancelled, shared)->reason);
  rtL_cancelled_push(L, w, 0);
}

static const rt_travel cancelled_travel = {cancelled_send, NULL, cancelled_receive, NULL};

/* --- its fields ------------------------------------------------------------------------------- */
static int cancelled_tostring(lua_State *L) {
  rt_worker *w = rt_self(L);
  rtL_class_check(L, &w->classes, RT_CLASS_CANCELLED, 1);
  /* A stock interpreter calls this to report the error with which its script has ended. After
  ** rt.shutdown that is no error, and core_module.c suppresses the report. */
  if (w->current.task && w->current.task->is_main) rt_shutdown_note_error(w, true);
  lua_pushliteral(L, "cancelled");
  if (lua_getiuservalue(L, 1, REASON) == LUA_TNIL) {
    lua_pop(L, 1);
    return 1;
  }
  rtL_error_text_push(L, -1);
  lua_remove(L, -2);
  lua_pushliteral(L, ": ");
  lua_insert(L, -2);
  lua_concat(L, 3);
  return 1;
}

/* The source is the name of the signal, if a signal was it. */
static void push_signal(lua_State *L) {
  lua_getiuservalue(L, 1, SOURCE);
  const char *source = lua_tostring(L, -1);
  if (source && (strcmp(source, "SIGINT") == 0 || strcmp(source, "SIGTERM") == 0)) return;
  lua_pop(L, 1);
  lua_pushnil(L);
}

static int cancelled_fields(lua_State *L) {
  rt_worker *w = rt_self(L);
  rtL_class_check(L, &w->classes, RT_CLASS_CANCELLED, 1);
  const char *key = lua_tostring(L, 2);
  if (key && strcmp(key, "reason") == 0)
    lua_getiuservalue(L, 1, REASON);
  else if (key && strcmp(key, "source") == 0)
    lua_getiuservalue(L, 1, SOURCE);
  else if (key && strcmp(key, "signal") == 0)
    push_signal(L);
  else
    lua_pushnil(L);
  return 1;
}

void rtL_cancelled_class(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, +1);
  static const luaL_Reg meta[] = {
      {"__tostring", cancelled_tostring}, {"__index", cancelled_fields}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_CANCELLED, &(rt_class_def){.meta = meta});
  w->classes.travel[RT_CLASS_CANCELLED] = &cancelled_travel;
  rt_anchor_push(L, w, RT_ANCHOR_CLASSES + RT_CLASS_CANCELLED);
}
