#include "pack/unpack.h"

#include "pack/code.h"
#include "pack/module_ref.h"
#include "pack/state.h"
#include "pack/wire.h"

enum {
  FEW = 8,          /* up to so many objects are kept on the stack, more in a table */
  STACK = FEW + 16, /* stack indices for the unpacker's own use; see run/task_entry.c */
  CLOSURES_MAX = RT_SIZE(256, 2)
};

typedef struct unpacker {
  lua_State *L;
  rt_worker *w;
  rt_message *message;
  const char *at, *end;          /* the values and contents that remain */
  const char *heads, *heads_end; /* the heads that remain */
  rt_wire_header header;
  int base;      /* the stack index below the first object, or below the table of all objects */
  size_t budget; /* how many entries of tables the rest of the message can have */
  bool absent;   /* a module was not found: an error, when all values are there */
} unpacker;

static void raise_malformed(unpacker *u) { luaL_error(u->L, "malformed packet"); }

static inline void expect(unpacker *u, bool holds) {
  if (rt_unlikely(!holds)) raise_malformed(u);
}

/* The next n bytes. */
static inline const char *take_bytes(unpacker *u, size_t n) {
  expect(u, (size_t)(u->end - u->at) >= n);
  const char *at = u->at;
  u->at += n;
  return at;
}

#define TAKE(u, into) memcpy(&(into), take_bytes(u, sizeof(into)), sizeof(into))

/* --- heads ------------------------------------------------------------------------------------ */
typedef struct head {
  rt_wire tag;
  uint32_t a, b;
  const char *module, *field; /* RT_WIRE_NAMED; their lengths are in a and b */
  uint32_t metatable;         /* a table's: number of an object, or 0: the globals */
  bool has_metatable;
} head;

static const char *take_head(unpacker *u, const char **at, size_t n) {
  const char *here = *at;
  expect(u, (size_t)(u->heads_end - here) >= n);
  *at += n;
  return here;
}

static void read_name(unpacker *u, const char **at, head *h) {
  rt_wire_name name;
  memcpy(&name, take_head(u, at, sizeof name), sizeof name);
  h->a = name.module;
  h->b = name.field ? name.field - 1 : 0;
  h->module = take_head(u, at, h->a);
  h->field = take_head(u, at, h->b);
  if (name.field == 0) h->field = NULL;
}

static void read_metatable(unpacker *u, const char **at, head *h) {
  if (*at == u->heads_end || (unsigned char)**at != RT_WIRE_METATABLE) return;
  take_head(u, at, 1);
  memcpy(&h->metatable, take_head(u, at, sizeof h->metatable), sizeof h->metatable);
  expect(u, h->metatable <= u->header.objects);
  h->has_metatable = true;
}

static head read_head(unpacker *u, const char **at) {
  head h = {.tag = (unsigned char)*take_head(u, at, 1)};
  switch (h.tag) {
    case RT_WIRE_TABLE:
      memcpy(&h.a, take_head(u, at, sizeof h.a), sizeof h.a);
      memcpy(&h.b, take_head(u, at, sizeof h.b), sizeof h.b);
      read_metatable(u, at, &h);
      break;
    case RT_WIRE_FUNCTION:
    case RT_WIRE_PLAIN:
    case RT_WIRE_SHARED:
      memcpy(&h.a, take_head(u, at, sizeof h.a), sizeof h.a);
      expect(u, h.a < u->message->count);
      break;
    case RT_WIRE_NAMED: read_name(u, at, &h); break;
    default: raise_malformed(u);
  }
  return h;
}

/* --- making objects --------------------------------------------------------------------------- */
static void push_object(unpacker *u, uint32_t number) {
  expect(u, number >= 1 && number <= u->header.objects);
  if (u->header.objects <= FEW)
    lua_pushvalue(u->L, u->base + (int)number);
  else
    lua_rawgeti(u->L, u->base + 1, number);
}

static rt_shared *shared_of(unpacker *u, const head *h) {
  return rt_message_shared(u->message)[h->a];
}

static const rt_code *head_code(unpacker *u, const head *h) {
  rt_shared *shared = shared_of(u, h);
  expect(u, shared->kind == &rt_code_kind);
  return rt_containerof(shared, rt_code, shared);
}

/* An item takes at least one byte of the message and a pair three, so the tables cannot be larger
** than the message allows. */
static void make_table(unpacker *u, const head *h) {
  size_t least = h->a + (size_t)h->b * 3;
  expect(u, least <= u->budget);
  u->budget -= least;
  lua_createtable(u->L, (int)h->a, (int)h->b);
}

static const char *read_code(lua_State *L, void *code, size_t *size) {
  const rt_code **c = code, *all = *c;
  (void)L;
  *c = NULL;
  *size = all ? all->len : 0;
  return all ? all->bytes : NULL;
}

static void make_function(unpacker *u, const rt_code *code) {
  const rt_code *c = code;
  if (lua_load(u->L, read_code, &c, "=?", "b") != LUA_OK) lua_error(u->L);
}

/* Is the kept function on top as it was made? A program may have given it another _ENV. */
static bool is_untouched(lua_State *L) {
  if (!lua_isfunction(L, -1)) return false;
  if (lua_getupvalue(L, -1, 1) == NULL) return true;
  lua_pushglobaltable(L);
  bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

static void keep_closure(unpacker *u, const rt_code *code) {
  lua_State *L = u->L;
  int function = lua_gettop(L);
  if (u->w->pack->closures >= CLOSURES_MAX) {
    u->w->pack->closures = 0;
    lua_newtable(L);
    rt_anchor_set(L, u->w, RT_ANCHOR_CLOSURES);
  }
  rt_anchor_push(L, u->w, RT_ANCHOR_CLOSURES);
  lua_pushvalue(L, function);
  lua_rawseti(L, -2, (lua_Integer)code->id);
  u->w->pack->closures++;
  lua_settop(L, function);
}

static void make_plain(unpacker *u, const rt_code *code) {
  lua_State *L = u->L;
  expect(u, code->upvalues <= 1);
  rt_anchor_push(L, u->w, RT_ANCHOR_CLOSURES);
  lua_rawgeti(L, -1, (lua_Integer)code->id);
  lua_remove(L, -2);
  if (is_untouched(L)) return;
  lua_pop(L, 1);
  make_function(u, code);
  keep_closure(u, code);
}

static void make_shared(unpacker *u, rt_shared *shared) {
  lua_State *L = u->L;
  int class = shared->kind->class, top = lua_gettop(L);
  expect(u, class >= 0 && class < RT_CLASSES);
  const rt_travel *travel = u->w->classes.travel[class];
  expect(u, travel != NULL && travel->receive != NULL);
  travel->receive(L, u->w, shared);
  rt_assert(lua_gettop(L) == top + 1);
  (void)top;
}

/* After a module that was not found, the others are not looked up: the message is not delivered. */
static void make_named(unpacker *u, const head *h) {
  if (u->absent)
    lua_newtable(u->L);
  else
    u->absent = !rtL_module_ref_push(u->L, u->w, h->module, h->a, h->field, h->b);
}

static void make_object(unpacker *u, const head *h) {
  switch (h->tag) {
    case RT_WIRE_TABLE: make_table(u, h); break;
    case RT_WIRE_FUNCTION: make_function(u, head_code(u, h)); break;
    case RT_WIRE_PLAIN: make_plain(u, head_code(u, h)); break;
    case RT_WIRE_SHARED: make_shared(u, shared_of(u, h)); break;
    default: make_named(u, h);
  }
}

static void make_objects(unpacker *u) {
  lua_State *L = u->L;
  const char *at = u->heads;
  bool few = u->header.objects <= FEW;
  if (!few) lua_createtable(L, (int)u->header.objects, 0);
  for (uint32_t n = 1; n <= u->header.objects; n++) {
    head h = read_head(u, &at);
    make_object(u, &h);
    if (!few) lua_rawseti(L, u->base + 1, n);
  }
  expect(u, at == u->heads_end);
}

/* --- values ----------------------------------------------------------------------------------- */
static void push_string(unpacker *u, size_t len) {
  const char *s = take_bytes(u, len);
  lua_pushlstring(u->L, s, len);
}

#define PUSH_INTEGER(u, type)   \
  do {                          \
    type i;                     \
    TAKE(u, i);                 \
    lua_pushinteger((u)->L, i); \
  } while (0)

/* Values with a tag of their own, but for strings and small integers. */
static void push_tagged(unpacker *u, unsigned tag) {
  lua_State *L = u->L;
  lua_Number number;
  uint32_t n;
  uint8_t len;
  void *pointer;
  switch (tag) {
    case RT_WIRE_NIL: lua_pushnil(L); break;
    case RT_WIRE_FALSE: lua_pushboolean(L, false); break;
    case RT_WIRE_TRUE: lua_pushboolean(L, true); break;
    case RT_WIRE_INT8: PUSH_INTEGER(u, int8_t); break;
    case RT_WIRE_INT16: PUSH_INTEGER(u, int16_t); break;
    case RT_WIRE_INT32: PUSH_INTEGER(u, int32_t); break;
    case RT_WIRE_INT64: PUSH_INTEGER(u, lua_Integer); break;
    case RT_WIRE_NUMBER:
      TAKE(u, number);
      lua_pushnumber(L, number);
      break;
    case RT_WIRE_STRING:
      TAKE(u, len);
      push_string(u, len);
      break;
    case RT_WIRE_LONG:
      TAKE(u, n);
      push_string(u, n);
      break;
    case RT_WIRE_POINTER:
      TAKE(u, pointer);
      lua_pushlightuserdata(L, pointer);
      break;
    case RT_WIRE_GLOBALS: lua_pushglobaltable(L); break;
    case RT_WIRE_OBJECT:
      TAKE(u, n);
      push_object(u, n);
      break;
    default: raise_malformed(u);
  }
}

static inline void push_value(unpacker *u, unsigned tag) {
  if (tag >= RT_WIRE_SMALL)
    lua_pushinteger(u->L, tag - RT_WIRE_SMALL);
  else if (tag >= RT_WIRE_SHORT)
    push_string(u, tag - RT_WIRE_SHORT);
  else
    push_tagged(u, tag);
}

static inline unsigned take_tag(unpacker *u) { return (unsigned char)*take_bytes(u, 1); }

/* --- contents: the object that is filled is on top of the stack ------------------------------- */
static void expect_key(unpacker *u) {
  lua_State *L = u->L;
  bool is_nan = lua_type(L, -1) == LUA_TNUMBER && !lua_rawequal(L, -1, -1);
  expect(u, !lua_isnil(L, -1) && !is_nan);
}

static void fill_table(unpacker *u) {
  lua_State *L = u->L;
  int table = lua_gettop(L);
  lua_Integer next = 1;
  for (;;) {
    unsigned tag = take_tag(u);
    if (tag == RT_WIRE_END) return;
    if (tag != RT_WIRE_KEY) {
      push_value(u, tag);
      lua_rawseti(L, table, next++);
    } else {
      push_value(u, take_tag(u));
      expect_key(u);
      push_value(u, take_tag(u));
      lua_rawset(L, table);
    }
  }
}

/* Joins upvalue i of the function on top with an upvalue of a function before it, or of its own. */
static void share_upvalue(unpacker *u, int i) {
  lua_State *L = u->L;
  uint32_t number;
  uint8_t other;
  TAKE(u, number);
  TAKE(u, other);
  push_object(u, number);
  expect(u, lua_isfunction(L, -1) && !lua_iscfunction(L, -1));
  expect(u, lua_getupvalue(L, -1, other) != NULL);
  lua_pop(L, 1);
  lua_upvaluejoin(L, -2, i, -1, other);
  lua_pop(L, 1);
}

static void fill_function(unpacker *u, const rt_code *code) {
  for (int i = 1; i <= code->upvalues; i++) {
    unsigned tag = take_tag(u);
    if (tag == RT_WIRE_UPVALUE_JOIN) {
      share_upvalue(u, i);
    } else {
      push_value(u, tag);
      lua_setupvalue(u->L, -2, i);
    }
  }
}

static void fill_objects(unpacker *u) {
  const char *at = u->heads;
  for (uint32_t n = 1; n <= u->header.objects; n++) {
    head h = read_head(u, &at);
    if (h.tag != RT_WIRE_TABLE && h.tag != RT_WIRE_FUNCTION) continue;
    push_object(u, n);
    if (h.tag == RT_WIRE_TABLE)
      fill_table(u);
    else
      fill_function(u, head_code(u, &h));
    lua_pop(u->L, 1);
  }
}

/* Sets the metatables last, so that no metamethod is called before all objects are filled. */
static void set_metatables(unpacker *u) {
  lua_State *L = u->L;
  const char *at = u->heads;
  if (u->header.metatables == 0) return;
  for (uint32_t n = 1; n <= u->header.objects; n++) {
    head h = read_head(u, &at);
    if (!h.has_metatable) continue;
    push_object(u, n);
    if (h.metatable == 0)
      lua_pushglobaltable(L);
    else
      push_object(u, h.metatable);
    expect(u, lua_istable(L, -1));
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
  }
}

/* --- the whole message ------------------------------------------------------------------------ */
static void read_header(unpacker *u) {
  const char *bytes = u->message->bytes;
  u->at = bytes;
  u->end = bytes + u->message->len;
  TAKE(u, u->header);
  const rt_wire_header *h = &u->header;
  expect(u, h->heads >= sizeof *h && h->heads <= u->message->len);
  u->heads = u->end = bytes + h->heads;
  u->heads_end = bytes + u->message->len;
  u->budget = (size_t)(u->end - u->at);
  expect(u, h->values <= u->budget && h->objects <= u->message->len - h->heads);
}

static int unpack_values(lua_State *L, rt_worker *w, rt_message *message, bool is_call) {
  unpacker u = {.L = L, .w = w, .message = message, .base = lua_gettop(L)};
  rt_worker_assert_thread(w);
  if (w->stop.closed) rtL_error_closed(L);
  read_header(&u);
  int values = (int)u.header.values;
  luaL_checkstack(L, values + STACK, "too many values arrive");
  make_objects(&u);
  int first = lua_gettop(L) + 1;
  for (int i = 0; i < values; i++) push_value(&u, take_tag(&u));
  fill_objects(&u);
  expect(&u, u.at == u.end);
  set_metatables(&u);
  int below = first - 1 - u.base;
  if (below > 0) {
    lua_rotate(L, u.base + 1, -below);
    lua_settop(L, u.base + values);
  }
  return rt_unlikely(u.absent) ? rtL_module_ref_raise(L, w, u.base + 1, is_call) : values;
}

int rtL_unpack(lua_State *L, rt_worker *w, rt_message *message) {
  return unpack_values(L, w, message, false);
}

int rtL_unpack_call(lua_State *L, rt_worker *w, rt_message *message) {
  return unpack_values(L, w, message, true);
}

static int protected_unpack(lua_State *L) {
  return rtL_unpack(L, lua_touserdata(L, 1), lua_touserdata(L, 2));
}

int rtL_unpack_last(lua_State *L, rt_worker *w, rt_message *message) {
  rt_worker_assert_thread(w);
  int height = lua_gettop(L);
  if (!lua_checkstack(L, LUA_MINSTACK)) {
    rt_message_drop(message);
    return luaL_error(L, "stack overflow");
  }
  lua_pushcfunction(L, protected_unpack);
  lua_pushlightuserdata(L, w);
  lua_pushlightuserdata(L, message);
  int status = lua_pcall(L, 2, LUA_MULTRET, 0);
  rt_pack_buf_drop(&w->pack->bufs, message);
  return status == LUA_OK ? lua_gettop(L) - height : lua_error(L);
}
