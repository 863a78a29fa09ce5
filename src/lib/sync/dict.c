/* lib/sync/dict.c - rt.dict: a map that the tasks of all workers share. */
#include "lib/shared.h"
#include "lib/sync/dict_value.h"

#include <math.h>

#define MAX_BYTES ((size_t)256 << 20) /* if the program gives none */

static const rt_shared_kind dict_kind = {"dict", rt_dict_free, RT_CLASS_DICT, &rt_dict_content};

static rt_dict *check_dict(lua_State *L) {
  return rt_dict_of(rtL_shared_check(L, rt_self(L), RT_CLASS_DICT, 1)->shared);
}

/* --- options ---------------------------------------------------------------------------------- */
static bool read_evicts(lua_State *L) {
  bool evicts = false;
  if (rtL_option(L, 1, "when_full") != LUA_TNIL) {
    const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    evicts = strcmp(s, "evict") == 0;
    if (!evicts && strcmp(s, "fail") != 0)
      luaL_error(L, "option 'when_full': \"evict\" or \"fail\" expected");
  }
  lua_pop(L, 1);
  return evicts;
}

/* dict = rt.dict([options]) */
static int new_dict(lua_State *L) {
  lua_settop(L, 1);
  rtL_check_options(L, 1, "dict", "max_entries, max_bytes, when_full");
  rt_dict_bounds bounds = {rtL_option_bound(L, 1, "max_entries", RT_DICT_UNBOUNDED),
                           rtL_option_bound(L, 1, "max_bytes", MAX_BYTES), read_evicts(L)};
  rt_shared_ref *ref = rtL_shared_new(L, rt_self(L), RT_CLASS_DICT);
  rt_dict *d = rt_dict_new(&dict_kind, &bounds);
  rtL_shared_set(L, ref, d ? &d->shared : NULL);
  return 1;
}

/* --- times ------------------------------------------------------------------------------------ */
/* The number of seconds at 'arg', from now, as a time of rt_clock(); or RT_DICT_NO_EXPIRY. */
static uint64_t check_expires(lua_State *L, int arg) {
  uint64_t duration = rtL_check_duration(L, arg);
  if (duration == RT_FOREVER) return RT_DICT_NO_EXPIRY;
  uint64_t now = rt_clock();
  return duration < RT_DICT_NO_EXPIRY - now ? now + duration : RT_DICT_NO_EXPIRY;
}

static uint64_t opt_expires(lua_State *L, int arg) {
  return lua_isnoneornil(L, arg) ? RT_DICT_NO_EXPIRY : check_expires(L, arg);
}

/* seconds | nil = dict:ttl(key): math.huge if it does not expire */
static int dict_ttl(lua_State *L) {
  rt_dict_value_key k;
  rt_dict *d = check_dict(L);
  uint64_t expires = rt_dict_expires(d, rtL_dict_value_key(L, 2, &k)), now = rt_clock();
  if (expires == 0)
    lua_pushnil(L);
  else if (expires == RT_DICT_NO_EXPIRY)
    lua_pushnumber(L, (lua_Number)HUGE_VAL);
  else
    lua_pushnumber(L, expires > now ? (lua_Number)(expires - now) / (lua_Number)RT_SECOND : 0);
  return 1;
}

/* boolean = dict:expire(key, seconds): was there such a key? */
static int dict_expire(lua_State *L) {
  rt_dict_value_key k;
  rt_dict *d = check_dict(L);
  const rt_dict_key *it = rtL_dict_value_key(L, 2, &k);
  rt_dict_result result = rt_dict_expire(d, it, check_expires(L, 3));
  if (result == RT_DICT_NOMEM) return rtL_error_no_memory(L);
  lua_pushboolean(L, result == RT_DICT_DONE);
  return 1;
}

/* --- reading and changing --------------------------------------------------------------------- */
/* Pushes true | false | nil, "full". */
static int push_result(lua_State *L, rt_dict_result result) {
  if (result == RT_DICT_NOMEM) return rtL_error_no_memory(L);
  if (result == RT_DICT_FULL) return rtL_shared_refuse(L, "full");
  lua_pushboolean(L, result == RT_DICT_DONE);
  return 1;
}

/* Stack: the dict, the key, the value, the seconds or nothing. */
static int dict_put(lua_State *L, rt_dict_condition condition) {
  rt_dict_value_key k;
  rt_value v;
  rt_dict *d = check_dict(L);
  const rt_dict_key *it = rtL_dict_value_key(L, 2, &k);
  luaL_checkany(L, 3);
  uint64_t expires = opt_expires(L, 4);
  rtL_dict_value_read(L, rt_self(L), 3, &v);
  rt_dict_put p = {.condition = condition, .value = &v, .expires = expires};
  rt_dict_result result = rt_dict_apply(d, it, &p);
  rt_value_drop(&v);
  return push_result(L, result);
}

/* value | nil = dict:get(key) */
static int dict_get(lua_State *L) {
  rt_dict_value_key k;
  rt_value v;
  rt_dict *d = check_dict(L);
  rt_dict_get(d, rtL_dict_value_key(L, 2, &k), &v);
  rtL_dict_value_push(L, rt_self(L), &v);
  return 1;
}

/* true | nil, "full" = dict:set(key, value [, seconds]); nil deletes the key */
static int dict_set(lua_State *L) { return dict_put(L, RT_DICT_UNCONDITIONAL); }

/* true | false | nil, "full" = dict:add(key, value [, seconds]): if there is no such key */
static int dict_add(lua_State *L) { return dict_put(L, RT_DICT_IF_ABSENT); }

/* true | false | nil, "full" = dict:replace(key, value [, seconds]): if there is one */
static int dict_replace(lua_State *L) { return dict_put(L, RT_DICT_IF_PRESENT); }

/* boolean = dict:delete(key): was there such a key? */
static int dict_delete(lua_State *L) {
  rt_dict_value_key k;
  rt_dict *d = check_dict(L);
  rt_value none = {.type = RT_VALUE_NONE};
  rt_dict_put p = {.condition = RT_DICT_IF_PRESENT, .value = &none};
  lua_pushboolean(L, rt_dict_apply(d, rtL_dict_value_key(L, 2, &k), &p) == RT_DICT_DONE);
  return 1;
}

static void opt_number(lua_State *L, int arg, lua_Integer default_value, rt_value *v) {
  if (lua_isnoneornil(L, arg)) {
    v->type = RT_VALUE_INTEGER;
    v->integer = default_value;
  } else {
    luaL_argexpected(L, lua_type(L, arg) == LUA_TNUMBER, arg, "number");
    rtL_dict_value_read(L, rt_self(L), arg, v);
  }
}

/* number | nil, "not a number" or "full" = dict:incr(key [, delta [, initial]]) */
static int dict_incr(lua_State *L) {
  rt_dict_value_key k;
  rt_value delta, initial, now;
  rt_dict *d = check_dict(L);
  const rt_dict_key *it = rtL_dict_value_key(L, 2, &k);
  opt_number(L, 3, 1, &delta);
  opt_number(L, 4, 0, &initial);
  rt_dict_result result = rt_dict_incr(d, it, &delta, &initial, &now);
  if (result == RT_DICT_UNMET) return rtL_shared_refuse(L, "not a number");
  if (result != RT_DICT_DONE) return push_result(L, result);
  rtL_dict_value_push(L, rt_self(L), &now);
  return 1;
}

static bool is_simple(lua_State *L, int index) {
  int type = lua_type(L, index);
  return type == LUA_TNIL || type == LUA_TBOOLEAN || type == LUA_TNUMBER;
}

/* true | false | nil, "full" = dict:cas(key, expected, new); nil stands for no such key */
static int dict_cas(lua_State *L) {
  rt_dict_value_key k;
  rt_value expected, new;
  rt_dict *d = check_dict(L);
  const rt_dict_key *it = rtL_dict_value_key(L, 2, &k);
  luaL_checkany(L, 4);
  lua_settop(L, 4);
  if (is_simple(L, 3)) { /* (such a value owns nothing, so the second read may raise) */
    rtL_dict_value_read(L, rt_self(L), 3, &expected);
    rtL_dict_value_read(L, rt_self(L), 4, &new);
  } else {
    rtL_dict_value_read(L, rt_self(L), 4, &new);
    rtL_dict_value_read_beside(L, rt_self(L), 3, &expected, &new);
  }
  rt_dict_put p = {.condition = RT_DICT_IF_EQUAL, .value = &new, .expected = &expected};
  rt_dict_result result = rt_dict_apply(d, it, &p);
  rt_value_drop(&expected);
  rt_value_drop(&new);
  return push_result(L, result);
}

/* Stack: the dict, the key, the function and its arguments -> the same, and the function, the
** present value and the arguments once more, to be called. Returns the version of the value. */
static lua_KContext begin_update(lua_State *L) {
  rt_dict_value_key k;
  rt_value old;
  int top = lua_gettop(L);
  uint64_t version = rt_dict_get(check_dict(L), rtL_dict_value_key(L, 2, &k), &old);
  lua_pushvalue(L, 3);
  rtL_dict_value_push(L, rt_self(L), &old);
  for (int i = 4; i <= top; i++) lua_pushvalue(L, i);
  return (lua_KContext)version;
}

/* Stack: the dict, the key, ..., the result of the function. RT_DICT_UNMET: another task has
** changed the value since the version was read. (The value is read last: the function may have
** finalized the dict.) */
static rt_dict_result commit_update(lua_State *L, lua_KContext version) {
  rt_dict_value_key k;
  rt_value v;
  rt_dict *d = check_dict(L);
  const rt_dict_key *it = rtL_dict_value_key(L, 2, &k);
  rtL_dict_value_read(L, rt_self(L), -1, &v);
  rt_dict_put p = {.condition = RT_DICT_IF_VERSION, .value = &v, .version = (uint64_t)version};
  rt_dict_result result = rt_dict_apply(d, it, &p);
  rt_value_drop(&v);
  return result;
}

static int update_k(lua_State *L, int status, lua_KContext version) {
  rt_dict_result result;
  (void)status;
  while ((result = commit_update(L, version)) == RT_DICT_UNMET) {
    lua_pop(L, 1);
    int arguments = lua_gettop(L) - 2;
    version = begin_update(L);
    lua_callk(L, arguments, 1, version, update_k);
  }
  return result == RT_DICT_DONE ? 1 : push_result(L, result);
}

/* value | nil, "full" = dict:update(key, f, ...): f(value, ...) returns the new value; nil deletes
** the key. If another task changes the value meanwhile, f is called again with that. */
static int dict_update(lua_State *L) {
  rt_dict_value_key k;
  check_dict(L);
  rtL_dict_value_key(L, 2, &k);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  luaL_checkstack(L, lua_gettop(L) + LUA_MINSTACK, "too many arguments");
  int arguments = lua_gettop(L) - 2;
  lua_KContext version = begin_update(L);
  lua_callk(L, arguments, 1, version, update_k);
  return update_k(L, LUA_OK, version);
}

/* --- the dict as a whole ---------------------------------------------------------------------- */
/* Appends the keys of one shard to the list on top of the stack, which has n keys, up to the limit.
** Returns the new n. */
static lua_Integer list_keys(lua_State *L, rt_dict *d, uint32_t shard, lua_Integer n,
                             lua_Integer limit) {
  rt_dict_key k;
  size_t room = 0, needed;
  char *buffer = NULL;
  while ((needed = rt_dict_keys(d, shard, buffer, room)) > room) {
    if (buffer) lua_pop(L, 1);
    room = needed + needed / 4;
    buffer = lua_newuserdatauv(L, room, 0);
  }
  if (buffer == NULL) return n;
  for (const char *at = buffer, *end = buffer + needed; at < end && n < limit;) {
    at = rt_shard_key_at(at, &k);
    rtL_dict_value_push_key(L, &k);
    lua_rawseti(L, -3, ++n);
  }
  lua_pop(L, 1);
  return n;
}

/* list = dict:keys([limit]) */
static int dict_keys(lua_State *L) {
  rt_dict *d = check_dict(L);
  lua_Integer limit = luaL_optinteger(L, 2, LUA_MAXINTEGER), n = 0;
  luaL_argcheck(L, limit >= 0, 2, "a limit of at least 0 expected");
  lua_newtable(L);
  for (uint32_t i = 0; i < d->shard_count && n < limit; i++) n = list_keys(L, d, i, n, limit);
  return 1;
}

/* entries, bytes = dict:count() */
static int dict_count(lua_State *L) {
  rt_dict *d = check_dict(L);
  lua_pushinteger(L, (lua_Integer)rt_dict_count(d));
  lua_pushinteger(L, (lua_Integer)rt_load(&d->quota.bytes));
  return 2;
}

static int dict_len(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)rt_dict_count(check_dict(L)));
  return 1;
}

/* dict:clear() */
static int dict_clear(lua_State *L) {
  rt_dict_clear(check_dict(L));
  return 0;
}

static int dict_tostring(lua_State *L) {
  lua_pushfstring(L, "rt.dict (%I entries)", (LUAI_UACINT)rt_dict_count(check_dict(L)));
  return 1;
}

void rtL_open_dict(lua_State *L, rt_worker *w) {
  static const luaL_Reg meta[] = {{"__len", dict_len}, {"__tostring", dict_tostring}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"get", dict_get},       {"set", dict_set},
                                     {"add", dict_add},       {"replace", dict_replace},
                                     {"delete", dict_delete}, {"incr", dict_incr},
                                     {"cas", dict_cas},       {"update", dict_update},
                                     {"ttl", dict_ttl},       {"keys", dict_keys},
                                     {"expire", dict_expire}, {"count", dict_count},
                                     {"clear", dict_clear},   {NULL, NULL}};
  static const luaL_Reg functions[] = {{"dict", new_dict}, {NULL, NULL}};
  rtL_shared_class(L, w, RT_CLASS_DICT, &(rt_class_def){meta, methods, NULL});
  rtL_set_functions(L, w, functions);
}
