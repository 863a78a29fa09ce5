#include "pack/pack.h"

#include "pack/code_cache.h"
#include "pack/copy_warning.h"
#include "pack/state.h"
#include "pack/value_path.h"
#include "pack/wire.h"

enum {
  STACK = 24,                       /* stack indices for the packer's own use */
  OBJECTS_KEPT_MAX = RT_SIZE(64, 4) /* a longer list of objects is dropped after use */
};

typedef struct packer {
  lua_State *L;
  rt_worker *w;
  rt_pack_buf *pack_buf;
  char *at, *end;     /* of the draft: the next byte to write, and the end of its memory */
  rt_value_path path; /* has the stack indexes of the values and the list */
  bool has_list;      /* path.list is a table of the objects */
  bool owns_anchor;   /* that table is RT_ANCHOR_OBJECTS */
  uint32_t objects;   /* how many objects have a number */
  uint32_t parent; /* what is being written: an object, or a value's place and RT_VALUE_PATH_ROOT */
  uint32_t metatables;
  const void *globals;
  bool kept;               /* the message is unpacked more than once: nothing may move */
  bool refreshed, rebuilt; /* the module index was checked, was built again, for this message */
} packer;

/* --- errors ----------------------------------------------------------------------------------- */
/* Raises the text on top of the stack, with the line that called the function which packs. */
static void raise_text(packer *k) {
  lua_State *L = k->L;
  rtL_call_site_where(L, &k->w->call_sites, 2);
  lua_insert(L, -2);
  lua_concat(L, 2);
  lua_error(L);
}

static void check_result(packer *k, int err) {
  if (rt_likely(err == 0)) return;
  if (err == UV_EMSGSIZE)
    lua_pushliteral(k->L, "cannot send more than 1 GiB at a time");
  else
    lua_pushliteral(k->L, "not enough memory");
  raise_text(k);
}

static void raise_cannot_send(packer *k, uint32_t number, const char *what) {
  const char *path = rtL_value_path_push(k->L, &k->path, number);
  lua_pushfstring(k->L, "cannot send %s (%s) to another worker", path, what);
  raise_text(k);
}

/* --- bytes ------------------------------------------------------------------------------------ */
static void packer_reserve(packer *k, size_t n) {
  rt_message **draft = &k->pack_buf->draft;
  (*draft)->len = (size_t)(k->at - (*draft)->bytes);
  check_result(k, rt_message_reserve(draft, n));
  k->at = (*draft)->bytes + (*draft)->len;
  k->end = (*draft)->bytes + (*draft)->cap;
}

/* Memory for the next n bytes of the draft. */
static inline char *put(packer *k, size_t n) {
  if (rt_unlikely((size_t)(k->end - k->at) < n)) packer_reserve(k, n);
  char *at = k->at;
  k->at += n;
  return at;
}

static inline void put_tag(packer *k, rt_wire tag) { *put(k, 1) = (char)tag; }

static inline void put_with(packer *k, rt_wire tag, const void *data, size_t n) {
  char *at = put(k, 1 + n);
  *at = (char)tag;
  memcpy(at + 1, data, n);
}

static void put_integer(packer *k, lua_Integer i) {
  if (i >= 0 && i < RT_WIRE_SMALLS) {
    *put(k, 1) = (char)(RT_WIRE_SMALL + i);
  } else if (i == (int8_t)i) {
    put_with(k, RT_WIRE_INT8, &(int8_t){(int8_t)i}, 1);
  } else if (i == (int16_t)i) {
    put_with(k, RT_WIRE_INT16, &(int16_t){(int16_t)i}, 2);
  } else if (i == (int32_t)i) {
    put_with(k, RT_WIRE_INT32, &(int32_t){(int32_t)i}, 4);
  } else {
    put_with(k, RT_WIRE_INT64, &i, sizeof i);
  }
}

static void put_string(packer *k, int index) {
  size_t len;
  const char *s = lua_tolstring(k->L, index, &len);
  if (len < RT_WIRE_SHORTS) {
    char *at = put(k, 1 + len);
    *at = (char)(RT_WIRE_SHORT + len);
    memcpy(at + 1, s, len);
  } else if (len <= UINT8_MAX) {
    char *at = put(k, 2 + len);
    at[0] = RT_WIRE_STRING;
    at[1] = (char)len;
    memcpy(at + 2, s, len);
  } else {
    uint32_t n = (uint32_t)len;
    if (len > RT_MESSAGE_MAX) check_result(k, UV_EMSGSIZE);
    char *at = put(k, 1 + sizeof n + len);
    *at = RT_WIRE_LONG;
    memcpy(at + 1, &n, sizeof n);
    memcpy(at + 1 + sizeof n, s, len);
  }
}

/* Adds the tag of a head; returns memory for its n other bytes. */
static char *put_head(packer *k, rt_wire tag, size_t n) {
  char *at = rt_buf_reserve(&k->pack_buf->heads, 1 + n);
  if (at == NULL) check_result(k, UV_ENOMEM);
  rt_buf_wrote(&k->pack_buf->heads, 1 + n);
  *at = (char)tag;
  return at + 1;
}

static void put_head_number(packer *k, rt_wire tag, uint32_t n) {
  memcpy(put_head(k, tag, sizeof n), &n, sizeof n);
}

/* --- values ----------------------------------------------------------------------------------- */
static rt_ptr_map_entry *id_entry(packer *k, const void *object) {
  rt_ptr_map_entry *e = rt_ptr_map_at(&k->pack_buf->object_ids, object);
  if (rt_unlikely(e == NULL)) check_result(k, UV_ENOMEM);
  return e;
}

/* Makes path.list a table of the objects: RT_ANCHOR_OBJECTS, which is there already, or a new one
** for a message within a message. */
static void open_list(packer *k) {
  lua_State *L = k->L;
  if (k->has_list) return;
  rt_anchor_push(L, k->w, RT_ANCHOR_OBJECTS);
  if (k->w->pack->bufs.listing || lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_createtable(L, 4, 0);
  }
  if (!k->w->pack->bufs.listing) {
    lua_pushvalue(L, -1);
    rt_anchor_set(L, k->w, RT_ANCHOR_OBJECTS);
    k->w->pack->bufs.listing = k->owns_anchor = true;
  }
  lua_replace(L, k->path.list);
  k->has_list = true;
}

/* Empties RT_ANCHOR_OBJECTS, so that it keeps no object alive, and drops it if it is large. */
static void close_list(packer *k) {
  lua_State *anchors = k->w->anchors;
  if (!k->owns_anchor) return;
  k->w->pack->bufs.listing = false;
  if (k->objects > OBJECTS_KEPT_MAX) {
    lua_pushnil(anchors);
    lua_replace(anchors, RT_ANCHOR_OBJECTS);
    return;
  }
  for (uint32_t n = k->objects; n > 0; n--) {
    bool held = lua_rawgeti(anchors, RT_ANCHOR_OBJECTS, n) != LUA_TNIL;
    lua_pop(anchors, 1);
    if (!held) continue; /* one of the values is not in the list, and setting nil might allocate */
    lua_pushnil(anchors);
    lua_rawseti(anchors, RT_ANCHOR_OBJECTS, n);
  }
}

/* The number of the object at 'index'. */
static uint32_t number_of(packer *k, int index) {
  lua_State *L = k->L;
  rt_ptr_map_entry *e = id_entry(k, lua_topointer(L, index));
  if (e->value != 0) return e->value;
  check_result(k, rt_buf_put(&k->pack_buf->parents, &k->parent, sizeof k->parent));
  e->value = ++k->objects;
  if (!(k->parent & RT_VALUE_PATH_ROOT)) {
    open_list(k);
    lua_pushvalue(L, index);
    lua_rawseti(L, k->path.list, k->objects);
  }
  return k->objects;
}

static void put_value(packer *k, int index) {
  lua_State *L = k->L;
  switch (lua_type(L, index)) {
    case LUA_TNIL: put_tag(k, RT_WIRE_NIL); break;
    case LUA_TBOOLEAN: put_tag(k, lua_toboolean(L, index) ? RT_WIRE_TRUE : RT_WIRE_FALSE); break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index))
        put_integer(k, lua_tointeger(L, index));
      else
        put_with(k, RT_WIRE_NUMBER, &(lua_Number){lua_tonumber(L, index)}, sizeof(lua_Number));
      break;
    case LUA_TSTRING: put_string(k, index); break;
    case LUA_TLIGHTUSERDATA:
      put_with(k, RT_WIRE_POINTER, &(void *){lua_touserdata(L, index)}, sizeof(void *));
      break;
    default:
      if (lua_topointer(L, index) == k->globals)
        put_tag(k, RT_WIRE_GLOBALS);
      else
        put_with(k, RT_WIRE_OBJECT, &(uint32_t){number_of(k, index)}, sizeof(uint32_t));
  }
}

/* --- objects: the object that is being written is on top of the stack ------------------------- */
/* Writes the object by name, if a module holds it. */
static bool put_name(packer *k) {
  lua_State *L = k->L;
  rt_worker *w = k->w;
  int object = lua_gettop(L);
  bool found = rtL_module_index_find(L, &w->pack->modules, w->anchors, object);
  if (!found && !k->refreshed) {
    k->refreshed = true;
    k->rebuilt = rtL_module_index_refresh(L, &w->pack->modules, w->anchors, false);
    found = k->rebuilt && rtL_module_index_find(L, &w->pack->modules, w->anchors, object);
  }
  if (!found && !k->rebuilt && lua_iscfunction(L, object)) {
    k->rebuilt = rtL_module_index_refresh(L, &w->pack->modules, w->anchors, true);
    found = rtL_module_index_find(L, &w->pack->modules, w->anchors, object);
  }
  if (!found) return false;
  size_t module_len, field_len = 0;
  const char *module = lua_tolstring(L, -2, &module_len);
  const char *field = lua_isstring(L, -1) ? lua_tolstring(L, -1, &field_len) : NULL;
  rt_wire_name name = {(uint32_t)module_len, field ? (uint32_t)field_len + 1 : 0};
  if (module_len > UINT16_MAX || field_len > UINT16_MAX) check_result(k, UV_EMSGSIZE);
  char *at = put_head(k, RT_WIRE_NAMED, sizeof name + module_len + field_len);
  memcpy(at, &name, sizeof name);
  memcpy(at + sizeof name, module, module_len);
  if (field) memcpy(at + sizeof name + module_len, field, field_len);
  lua_settop(L, object);
  return true;
}

static void put_items(packer *k, int table, uint32_t *items, uint32_t *pairs) {
  lua_State *L = k->L;
  lua_Integer next = 1;
  *pairs = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    if (lua_isinteger(L, table + 1) && lua_tointeger(L, table + 1) == next) {
      next++;
    } else {
      put_tag(k, RT_WIRE_KEY);
      put_value(k, table + 1);
      ++*pairs;
    }
    put_value(k, table + 2);
    lua_settop(L, table + 1);
  }
  put_tag(k, RT_WIRE_END);
  *items = (uint32_t)(next - 1); /* fits: each item took at least one byte */
}

static void put_table(packer *k) {
  lua_State *L = k->L;
  uint32_t counts[2];
  if (put_name(k)) return;
  open_list(k); /* now, so that no allocation runs a finalizer while the table is traversed */
  put_items(k, lua_gettop(L), &counts[0], &counts[1]);
  memcpy(put_head(k, RT_WIRE_TABLE, sizeof counts), counts, sizeof counts);
  if (!lua_getmetatable(L, -1)) return;
  bool globals = lua_topointer(L, -1) == k->globals;
  put_head_number(k, RT_WIRE_METATABLE, globals ? 0 : number_of(k, -1));
  lua_pop(L, 1);
  k->metatables++;
}

/* Adds a shared object to the message, which takes over the reference; returns its index. */
static uint32_t add_shared(packer *k, rt_shared *shared) {
  rt_message *draft = k->pack_buf->draft;
  int err = rt_message_add(draft, shared);
  if (err != 0) rt_shared_drop(shared);
  check_result(k, err);
  return draft->count - 1;
}

/* The code of a function, in the message. */
typedef struct used_code {
  rt_code *code;   /* NULL: the function was written by name */
  uint32_t shared; /* the index of the shared object */
  bool again;      /* a function before this one has the same code */
} used_code;

static used_code use_code(packer *k, rt_code *code) {
  rt_ptr_map_entry *e = id_entry(k, code);
  bool again = e->value != 0;
  if (!again) {
    rt_shared_hold(&code->shared);
    e->value = add_shared(k, &code->shared) + 1;
  }
  return (used_code){code, e->value - 1, again};
}

/* is_called: the message is a call of the function. */
static used_code code_of(packer *k, bool is_called) {
  uint64_t key;
  bool is_new;
  rt_code *code = rt_code_cache_find(k->L, k->w);
  if (code) return use_code(k, code);
  if (put_name(k)) return (used_code){.code = NULL};
  if ((code = rt_code_cache_dump(k->L, k->w, &k->pack_buf->code, &key, &is_new)) == NULL)
    check_result(k, UV_ENOMEM);
  used_code used = use_code(k, code);
  rtL_code_cache_add(k->L, k->w, key);
  if (is_called && is_new) rtL_copy_warning(k->L, code);
  return used;
}

/* Has the function no upvalue but an _ENV that is the globals, and never assigns to that? Then a
** receiver can use one closure for all messages. But two functions of one message must stay two. (A
** variable of another name that is the globals may be shared with functions that assign to it.) */
static bool is_plain(packer *k, const used_code *used) {
  if (used->again || used->code->upvalues > 1 || used->code->assigns) return false;
  if (used->code->upvalues == 0) return true;
  const char *name = lua_getupvalue(k->L, -1, 1);
  bool globals = lua_topointer(k->L, -1) == k->globals;
  lua_pop(k->L, 1);
  return globals && strcmp(name, "_ENV") == 0;
}

static void put_upvalues(packer *k, uint32_t number, int upvalues) {
  lua_State *L = k->L;
  int function = lua_gettop(L);
  for (int i = 1; i <= upvalues; i++) {
    rt_ptr_map_entry *e = id_entry(k, lua_upvalueid(L, function, i));
    if (e->value != 0) {
      char *at = put(k, 1 + sizeof e->value + 1);
      uint32_t other = e->value;
      *at = RT_WIRE_UPVALUE_JOIN;
      memcpy(at + 1, &other, sizeof other);
      at[1 + sizeof other] = (char)e->tag;
    } else {
      e->value = number;
      e->tag = (unsigned char)i;
      lua_getupvalue(L, function, i);
      put_value(k, function + 1); /* _ENV, too: it need not be the globals */
      lua_pop(L, 1);
    }
  }
}

static void put_function(packer *k, uint32_t number) {
  if (lua_iscfunction(k->L, -1)) {
    if (!put_name(k)) raise_cannot_send(k, number, "C function that no module holds");
    return;
  }
  used_code used = code_of(k, k->path.is_call && number == 1);
  if (used.code == NULL) return;
  bool plain = is_plain(k, &used);
  put_head_number(k, plain ? RT_WIRE_PLAIN : RT_WIRE_FUNCTION, used.shared);
  if (!plain) put_upvalues(k, number, used.code->upvalues);
}

static const rt_travel *travel_of(packer *k) {
  const rt_classes *c = &k->w->classes;
  if (!lua_getmetatable(k->L, -1)) return NULL;
  const void *metatable = lua_topointer(k->L, -1);
  lua_pop(k->L, 1);
  for (int i = 0; i < RT_CLASSES; i++)
    if (c->metatable[i] == metatable) return c->travel[i];
  return NULL;
}

static void raise_userdata(packer *k, uint32_t number, const char *why) {
  lua_State *L = k->L;
  if (why == NULL) {
    why = "userdata";
    if (luaL_getmetafield(L, -1, "__name") == LUA_TSTRING)
      why = lua_pushfstring(L, "userdata %s", lua_tostring(L, -1));
  }
  raise_cannot_send(k, number, why);
}

static void put_object(packer *k, uint32_t number, const rt_travel *travel) {
  const char *why = NULL;
  int object = lua_gettop(k->L);
  if (k->kept && travel->commit) raise_userdata(k, number, "a thing that only one task can have");
  rt_shared *shared = travel->send(k->L, k->w, object, &why);
  lua_settop(k->L, object);
  if (shared == NULL) raise_userdata(k, number, why);
  rt_move move = {number, add_shared(k, shared)};
  put_head_number(k, RT_WIRE_SHARED, move.shared);
  if (travel->commit) check_result(k, rt_buf_put(&k->pack_buf->moves, &move, sizeof move));
}

static void put_userdata(packer *k, uint32_t number) {
  const rt_travel *travel = travel_of(k);
  if (travel)
    put_object(k, number, travel);
  else if (!put_name(k))
    raise_userdata(k, number, NULL);
}

static void put_contents(packer *k, uint32_t number) {
  lua_State *L = k->L;
  int top = lua_gettop(L);
  k->parent = number;
  rt_value_path_object(L, &k->path, number);
  switch (lua_type(L, -1)) {
    case LUA_TTABLE: put_table(k); break;
    case LUA_TFUNCTION: put_function(k, number); break;
    case LUA_TUSERDATA: put_userdata(k, number); break;
    default: raise_cannot_send(k, number, "coroutine");
  }
  lua_settop(L, top);
}

/* --- the whole message ------------------------------------------------------------------------ */
/* The message is complete: what moves leaves its object. Nothing fails from here on. */
static void commit(packer *k) {
  lua_State *L = k->L;
  rt_buf *moves = &k->pack_buf->moves;
  rt_move move;
  for (; rt_buf_len(moves) > 0; moves->head += sizeof move) {
    memcpy(&move, rt_buf_data(moves), sizeof move);
    rt_value_path_object(L, &k->path, move.object);
    int object = lua_gettop(L);
    const rt_travel *travel = travel_of(k);
    if (travel) travel->commit(L, k->w, object, rt_message_shared(k->pack_buf->draft)[move.shared]);
    lua_settop(L, object - 1);
  }
}

/* Arguments: the packer, the values. Runs protected. */
static int protected_pack(lua_State *L) {
  packer *k = lua_touserdata(L, 1);
  int values = lua_gettop(L) - 1;
  rt_buf *heads = &k->pack_buf->heads;
  luaL_checkstack(L, STACK, "too many values to send");
  lua_pushglobaltable(L);
  k->globals = lua_topointer(L, -1); /* the list takes its place on the stack */
  k->path.values = 2;
  k->path.list = 2 + values;
  k->at = k->pack_buf->draft->bytes;
  k->end = k->at + k->pack_buf->draft->cap;
  put(k, sizeof(rt_wire_header));
  for (int i = 0; i < values; i++) {
    k->parent = RT_VALUE_PATH_ROOT | (uint32_t)i;
    put_value(k, 2 + i);
  }
  for (uint32_t n = 1; n <= k->objects; n++) put_contents(k, n);
  rt_wire_header header = {(uint32_t)values, k->objects, k->metatables,
                           (uint32_t)(k->at - k->pack_buf->draft->bytes)};
  size_t heads_len = rt_buf_len(heads);
  if (heads_len > 0) memcpy(put(k, heads_len), rt_buf_data(heads), heads_len);
  memcpy(k->pack_buf->draft->bytes, &header, sizeof header);
  k->pack_buf->draft->len = (size_t)(k->at - k->pack_buf->draft->bytes);
  commit(k);
  return 0;
}

rt_message *rtL_pack(lua_State *L, rt_worker *w, int first, rt_pack_what what) {
  RTL_ENTER(L, w, 0);
  int top = lua_gettop(L);
  static const char *const nouns[] = {"argument", "value", "result", "value", "argument"};
  packer k = {.L = L, .w = w, .path.noun = nouns[what]};
  k.path.is_call = what == RT_PACK_CALL || what == RT_PACK_PRELOAD;
  k.kept = what == RT_PACK_KEPT || what == RT_PACK_PRELOAD;
  if (w->stop.closed) rtL_error_closed(L);
  luaL_checkstack(L, top - first + 4, "too many values to send");
  if ((k.pack_buf = rt_pack_buf_take(&w->pack->bufs)) == NULL) rtL_error_no_memory(L);
  k.path.parents = &k.pack_buf->parents;
  lua_pushcfunction(L, protected_pack);
  lua_pushlightuserdata(L, &k);
  for (int i = first; i <= top; i++) lua_pushvalue(L, i);
  int status =
      lua_pcall(L, top - first + 2, 0, 0); /* protected, so that the pack buffer is given back */
  rt_message *message = k.pack_buf->draft;
  if (status == LUA_OK) k.pack_buf->draft = NULL;
  close_list(&k);
  rt_pack_buf_give(&w->pack->bufs, k.pack_buf);
  if (status != LUA_OK) lua_error(L);
  return message;
}

void rt_pack_undo(rt_worker *w, rt_message *message) {
  for (uint32_t i = 0; i < message->count; i++) {
    rt_shared *shared = rt_message_shared(message)[i];
    const rt_travel *travel =
        shared && shared->kind->class >= 0 ? w->classes.travel[shared->kind->class] : NULL;
    if (travel && travel->recall) travel->recall(w, shared);
  }
  rt_message_drop(message);
}
