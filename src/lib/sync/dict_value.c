#include "lib/sync/dict_value.h"

#include "pack/pack.h"
#include "pack/unpack.h"

#include <math.h>

/* --- keys ------------------------------------------------------------------------------------- */
enum { KEY_STRING, KEY_INTEGER, KEY_NUMBER, KEY_FALSE, KEY_TRUE };

static void read_number_key(lua_State *L, int index, rt_dict_value_key *k) {
  int valid;
  k->integer = lua_tointegerx(L, index, &valid);
  if (!valid) {
    k->number = lua_tonumber(L, index);
    luaL_argcheck(L, !isnan(k->number), index, "a key expected, got NaN");
  }
  k->key =
      (rt_dict_key){(const char *)&k->integer, sizeof k->integer, valid ? KEY_INTEGER : KEY_NUMBER};
}

static void read_string_key(lua_State *L, int index, rt_dict_value_key *k) {
  size_t len;
  k->key.bytes = lua_tolstring(L, index, &len);
  luaL_argcheck(L, len <= RT_MESSAGE_MAX, index, "a key of at most 1 GiB expected");
  k->key.len = (uint32_t)len;
  k->key.type = KEY_STRING;
}

const rt_dict_key *rtL_dict_value_key(lua_State *L, int index, rt_dict_value_key *k) {
  RTL_STACK_CHECK(L, 0);
  switch (lua_type(L, index)) {
    case LUA_TSTRING: read_string_key(L, index, k); break;
    case LUA_TNUMBER: read_number_key(L, index, k); break;
    case LUA_TBOOLEAN:
      k->key = (rt_dict_key){"", 0, lua_toboolean(L, index) ? KEY_TRUE : KEY_FALSE};
      break;
    default: luaL_typeerror(L, index, "string, number or boolean");
  }
  return &k->key;
}

void rtL_dict_value_push_key(lua_State *L, const rt_dict_key *k) {
  RTL_STACK_CHECK(L, +1);
  lua_Integer integer;
  lua_Number number;
  switch (k->type) {
    case KEY_STRING: lua_pushlstring(L, k->bytes, k->len); break;
    case KEY_INTEGER:
      memcpy(&integer, k->bytes, sizeof integer);
      lua_pushinteger(L, integer);
      break;
    case KEY_NUMBER:
      memcpy(&number, k->bytes, sizeof number);
      lua_pushnumber(L, number);
      break;
    default: lua_pushboolean(L, k->type == KEY_TRUE);
  }
}

/* --- values, from the stack ------------------------------------------------------------------- */
static void check_memory(lua_State *L, int err) {
  if (err != 0) rtL_error_no_memory(L);
}

static void read_packed(lua_State *L, rt_worker *w, int index, rt_value *v) {
  lua_pushvalue(L, index);
  rt_message *message = rtL_pack(L, w, lua_gettop(L), RT_PACK_KEPT);
  lua_pop(L, 1);
  check_memory(L, rt_value_from_message(v, message));
}

static void read_string(lua_State *L, int index, rt_value *v) {
  size_t len;
  const char *s = lua_tolstring(L, index, &len);
  check_memory(L, rt_value_from_string(v, s, len));
}

static void read_number(lua_State *L, int index, rt_value *v) {
  if (lua_isinteger(L, index)) {
    v->type = RT_VALUE_INTEGER;
    v->integer = lua_tointeger(L, index);
  } else {
    v->type = RT_VALUE_NUMBER;
    v->number = lua_tonumber(L, index);
  }
}

void rtL_dict_value_read(lua_State *L, rt_worker *w, int index, rt_value *v) {
  RTL_ENTER(L, w, 0);
  switch (lua_type(L, index)) {
    case LUA_TNIL: v->type = RT_VALUE_NONE; break;
    case LUA_TBOOLEAN: v->type = lua_toboolean(L, index) ? RT_VALUE_TRUE : RT_VALUE_FALSE; break;
    case LUA_TNUMBER: read_number(L, index, v); break;
    case LUA_TSTRING: read_string(L, index, v); break;
    default: read_packed(L, w, index, v);
  }
}

/* read_protected(worker, into, value) */
static int read_protected(lua_State *L) {
  rtL_dict_value_read(L, lua_touserdata(L, 1), 3, lua_touserdata(L, 2));
  return 0;
}

void rtL_dict_value_read_beside(lua_State *L, rt_worker *w, int index, rt_value *v,
                                const rt_value *held) {
  RTL_ENTER(L, w, 0);
  lua_pushcfunction(L, read_protected);
  lua_pushlightuserdata(L, w);
  lua_pushlightuserdata(L, v);
  lua_pushvalue(L, index);
  if (lua_pcall(L, 3, 0, 0) == LUA_OK) return;
  rt_value_drop(held);
  lua_error(L);
}

/* --- values, to the stack --------------------------------------------------------------------- */
/* values = unpack_block(worker, value block) */
static int unpack_block(lua_State *L) {
  rt_value_block *b = lua_touserdata(L, 2);
  if (b->message) return rtL_unpack(L, lua_touserdata(L, 1), b->message);
  lua_pushlstring(L, b->bytes, b->len);
  return 1;
}

static void push_block(lua_State *L, rt_worker *w, rt_value_block *b) {
  if (!lua_checkstack(L, LUA_MINSTACK)) {
    rt_value_block_drop(b);
    luaL_error(L, "stack overflow");
  }
  lua_pushcfunction(L, unpack_block);
  lua_pushlightuserdata(L, w);
  lua_pushlightuserdata(L, b);
  int status = lua_pcall(L, 2, 1, 0);
  rt_value_block_drop(b);
  if (status != LUA_OK) lua_error(L);
}

void rtL_dict_value_push(lua_State *L, rt_worker *w, const rt_value *v) {
  RTL_ENTER(L, w, +1);
  switch (v->type) {
    case RT_VALUE_NONE: lua_pushnil(L); break;
    case RT_VALUE_FALSE: lua_pushboolean(L, false); break;
    case RT_VALUE_TRUE: lua_pushboolean(L, true); break;
    case RT_VALUE_INTEGER: lua_pushinteger(L, v->integer); break;
    case RT_VALUE_NUMBER: lua_pushnumber(L, v->number); break;
    case RT_VALUE_STRING: lua_pushlstring(L, v->text, v->len); break;
    default: push_block(L, w, v->block);
  }
}
