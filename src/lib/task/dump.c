/* lib/task/dump.c - rt.tasks and rt.dump: all tasks, and what each of them waits for.
**
** Both ask all workers for a snapshot and block their thread until these have replied, so they can
** be called where code cannot wait: in a finalizer, a message handler, a comparator. Meanwhile this
** worker replies to other snapshot requests.
*/
#include "lib/lib.h"
#include "run/dump.h"

/* --- rt.tasks --------------------------------------------------------------------------------- */
static void set_text(lua_State *L, const char *key, const char *text) {
  if (text == NULL || *text == '\0') return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

/* Pushes a table that describes a task. */
static void push_entry(lua_State *L, uint64_t id, rt_phase phase, const char *name,
                       const char *worker, const char *site) {
  lua_createtable(L, 0, 7);
  lua_pushinteger(L, (lua_Integer)id);
  lua_setfield(L, -2, "id");
  set_text(L, "state", rt_phase_name(phase));
  set_text(L, "name", name);
  set_text(L, "worker", worker);
  set_text(L, "spawned", site);
}

static void append_entry(lua_State *L) { lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1); }

static void append_task(lua_State *L, const rt_snapshot_reply *reply, const rt_task_info *info,
                        const char *worker) {
  const rt_task t = {.phase = info->phase, .op = info->op};
  const char *name = rt_snapshot_reply_text(reply, info->name);
  push_entry(L, info->id, info->phase,
             name            ? name
             : info->is_main ? "main"
                             : NULL,
             worker, rt_snapshot_reply_text(reply, info->site));
  if (rt_task_waits_for(&t)) {
    set_text(L, "waiting", rt_task_waits_for(&t));
    lua_pushnumber(L, info->waited);
    lua_setfield(L, -2, "waited");
  }
  append_entry(L);
}

/* A worker that has not replied is stuck in its running task, which its status names. */
static void append_stuck_task(lua_State *L, const rt_snapshot_request *q) {
  const rt_task t = {.title = q->title};
  if (q->title == 0) return;
  push_entry(L, t.id, RT_RUNNING, q->task_name, q->name, q->site);
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "stuck");
  append_entry(L);
}

static void append_reply(lua_State *L, const rt_snapshot_reply *reply, const char *worker) {
  for (size_t i = 0; i < reply->count; i++) append_task(L, reply, &reply->tasks[i], worker);
}

/* list = build_list(snapshot) */
static int build_list(lua_State *L) {
  const rt_snapshot *s = lua_touserdata(L, 1);
  lua_newtable(L);
  for (int i = 0; i < s->count; i++) {
    const rt_snapshot_request *q = &s->requests[i];
    if (q->replied)
      append_reply(L, &q->reply, q->name);
    else
      append_stuck_task(L, q);
  }
  append_reply(L, &s->queued, NULL);
  return 1;
}

/* list = rt.tasks() */
static int list_tasks(lua_State *L) {
  rt_worker *w = rt_self(L);
  rtL_error_if_forked(L);
  lua_settop(L, 0);
  lua_pushcfunction(L, build_list);
  rt_snapshot *s = rt_dump_ask(w, false, UINT64_MAX);
  if (s == NULL) return rtL_error_no_memory(L);
  lua_pushlightuserdata(L, s);
  int status = lua_pcall(L, 1, 1, 0);
  rt_snapshot_drop(s);
  return status == LUA_OK ? 1 : lua_error(L);
}

/* --- rt.dump ---------------------------------------------------------------------------------- */
static int dump_to_path(rt_worker *w, const char *path) {
  FILE *file = fopen(path, "we");
  if (file == NULL) return -errno;
  int err = rt_dump_write(w, file), close_err = fclose(file) == 0 ? 0 : -errno;
  return err ? err : close_err;
}

static FILE *check_file(lua_State *L, int index) {
  luaL_Stream *s = luaL_testudata(L, index, LUA_FILEHANDLE);
  if (s == NULL) luaL_typeerror(L, index, "path or file");
  if (s->closef == NULL) luaL_error(L, "attempt to use a closed file");
  return s->f;
}

/* true | nil, message, code = rt.dump([path or file]) */
static int dump(lua_State *L) {
  rt_worker *w = rt_self(L);
  rtL_error_if_forked(L);
  const char *path = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL;
  FILE *file = path ? NULL : lua_isnoneornil(L, 1) ? stderr : check_file(L, 1);
  int err = path ? dump_to_path(w, path) : rt_dump_write(w, file);
  if (err != 0) return rtL_fail(L, err, path);
  lua_pushboolean(L, 1);
  return 1;
}

void rtL_open_dump(lua_State *L, rt_worker *w) {
  static const luaL_Reg functions[] = {{"tasks", list_tasks}, {"dump", dump}, {NULL, NULL}};
  rtL_set_functions(L, w, functions);
}
