/* The slots are never freed, as a mutex may point to one until its task has ended. There are as
** many as there were guards at a time: those in use and those that were not collected yet.
**
** The table of the guards has an array part of that many elements, and no other, so rtL_guards_add
** puts a guard into it without an allocation, on the stack of the anchors.
**
** Each allocation here may call finalizers of the program, which may lock a mutex themselves, and
** so come here.
*/
#include "lib/sync/guards.h"

#include "lib/lib.h"

enum { SLOTS_LEAST = 32, STACK = 6 };

/* Replaces the table by one with the same guards, and room for 'more' others. False: a finalizer
** has done so meanwhile, and nothing was done. */
static bool make_guard_table(lua_State *L, rt_worker *w, int more) {
  int count = w->guards.count;
  lua_createtable(L, count + more, 0);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  if (w->guards.count != count) {
    lua_pop(L, 1);
    return false;
  }
  rt_anchor_push(L, w, RT_ANCHOR_GUARDS);
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -3, i);
  }
  lua_pop(L, 1);
  rt_anchor_set(L, w, RT_ANCHOR_GUARDS);
  return true;
}

/* Makes twice as many slots. The worker keeps the new ones, as a userdata. */
static void make_slots(lua_State *L, rt_worker *w) {
  int more = w->guards.count > 0 ? w->guards.count : SLOTS_LEAST;
  luaL_checkstack(L, STACK, NULL);
  rt_guard_slot *slots = lua_newuserdatauv(L, (size_t)more * sizeof *slots, 0);
  memset(slots, 0, (size_t)more * sizeof *slots);
  rtL_worker_keep(L, w, slots);
  while (!make_guard_table(L, w, more)) continue;
  for (int i = more - 1; i >= 0; i--) {
    slots[i].number = w->guards.count + i + 1;
    slots[i].next_of_all = w->guards.all;
    slots[i].next_free = w->guards.free;
    w->guards.all = w->guards.free = &slots[i];
  }
  w->guards.count += more;
}

static void make_sentinel(lua_State *L, rt_worker *w) {
  rtL_class_new(L, &w->classes, RT_CLASS_GUARD_SENTINEL, 1, 0);
  lua_pop(L, 1);
  w->guards.has_sentinel = true;
}

rt_guard_slot *rtL_guards_add(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  while (rt_unlikely(w->guards.free == NULL || !w->guards.has_sentinel)) {
    if (!w->guards.has_sentinel) make_sentinel(L, w);
    if (w->guards.free == NULL) make_slots(L, w);
  }
  rt_guard_slot *slot = w->guards.free;
  w->guards.free = slot->next_free;
  slot->used = true;
  lua_pushvalue(L, -1);
  lua_xmove(L, w->anchors, 1);
  lua_rawseti(w->anchors, RT_ANCHOR_GUARDS, slot->number);
  return slot;
}

static void free_slot(rt_worker *w, rt_guard_slot *slot) {
  slot->used = slot->missing = false;
  slot->turn++;
  slot->next_free = w->guards.free;
  w->guards.free = slot;
}

void rt_guards_remove(rt_worker *w, rt_guard_slot *slot, uint32_t turn) {
  rt_worker_assert_thread(w);
  if (slot->turn == turn) free_slot(w, slot);
}

static bool is_collected(lua_State *L, int table, const rt_guard_slot *slot) {
  bool collected = lua_rawgeti(L, table, slot->number) == LUA_TNIL;
  lua_pop(L, 1);
  return collected;
}

/* Gives back the locks of guards that were collected. False: no slot is in use any more. */
static bool give_back(lua_State *L, rt_worker *w) {
  bool any = false;
  rt_anchor_push(L, w, RT_ANCHOR_GUARDS);
  for (rt_guard_slot *slot = w->guards.all; slot; slot = slot->next_of_all) {
    if (!slot->used) continue;
    bool was_missing = slot->missing;
    slot->missing = is_collected(L, lua_gettop(L), slot);
    if (slot->missing && was_missing) {
      if (slot->mutex) rt_mutex_unlock_serial(slot->mutex, slot->mutex->serial);
      free_slot(w, slot);
    } else {
      any = true;
    }
  }
  lua_pop(L, 1);
  return any;
}

/* __gc. In a child of fork, and while the state closes, no lock is given back. */
static int guard_sentinel_gc(lua_State *L) {
  rt_worker *w = rt_self(L);
  if (rt_class_test(L, &w->classes, RT_CLASS_GUARD_SENTINEL, 1) == NULL) return 0;
  w->guards.has_sentinel = false;
  if (w->stop.state_closes || !give_back(L, w)) return 0;
  make_sentinel(L, w);
  return 0;
}

void rtL_guards_class(lua_State *L, rt_worker *w) {
  RTL_ENTER(L, w, 0);
  static const luaL_Reg meta[] = {{"__gc", guard_sentinel_gc}, {NULL, NULL}};
  rtL_worker_class(L, w, RT_CLASS_GUARD_SENTINEL, &(rt_class_def){.meta = meta});
  lua_newtable(L);
  rt_anchor_set(L, w, RT_ANCHOR_GUARDS);
}
