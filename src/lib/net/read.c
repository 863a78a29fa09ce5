/* lib/net/read.c - stream:read, with the formats of Lua's io library.
**
** The formats are matched over what has arrived, and nothing is taken out of the
** buffer before all of them have been: a read that is cancelled or times out has taken
** no byte.
*/
#include "lib/net/net.h"

#include <ctype.h>

enum {
  LINE_MOST = 1024 * 1024,        /* a line, or a number's surroundings */
  READ_MOST = 1024 * 1024 * 1024, /* what one call may gather */
  NUMBER_MOST = 200,
  FILL = 8 /* operations that a buffer full of bytes counts for */
};

typedef enum match { MATCHED, MORE, MISMATCHED, TOO_LONG } match;

typedef struct input {
  const char *from; /* what this format has to look at */
  size_t len;
  bool ended; /* nothing will follow */
} input;

/* Each pushes its value when it has MATCHED, and says how much that used. */

static match match_line(lua_State *L, rt_stream *s, const input *in, bool chop, size_t *used) {
  const char *newline =
      in->len > s->scanned ? memchr(in->from + s->scanned, '\n', in->len - s->scanned) : NULL;
  s->scanned = in->len;
  if (newline == NULL && in->len > LINE_MOST) return TOO_LONG;
  if (newline == NULL && !in->ended) return MORE;
  if (newline == NULL && in->len == 0) return MISMATCHED;
  size_t len = newline ? (size_t)(newline - in->from) : in->len;
  *used = newline ? len + 1 : len;
  lua_pushlstring(L, in->from, chop ? len : *used);
  return MATCHED;
}

static match match_all(lua_State *L, const input *in, size_t *used) {
  if (!in->ended) return in->len > READ_MOST ? TOO_LONG : MORE;
  *used = in->len;
  lua_pushlstring(L, in->from, in->len);
  return MATCHED;
}

static match match_bytes(lua_State *L, const input *in, lua_Integer n, size_t *used) {
  size_t want = (size_t)n;
  if (in->len == 0 && in->ended) return MISMATCHED;
  if (want == 0 && in->len == 0) return MORE; /* read(0) tells whether the end has come */
  if (in->len < want && !in->ended) return want > READ_MOST ? TOO_LONG : MORE;
  *used = in->len < want ? in->len : want;
  lua_pushlstring(L, in->from, *used);
  return MATCHED;
}

/* --- numbers: the longest prefix that can be a numeral, as io.read("n") ----------------------- */
typedef struct scanner {
  const input *in;
  size_t at;
  char text[NUMBER_MOST + 1];
  int len;
} scanner;

static int peek(const scanner *c) {
  return c->at < c->in->len ? (unsigned char)c->in->from[c->at] : -1;
}

static bool take(scanner *c) {
  if (c->len == NUMBER_MOST) { /* no numeral: let the conversion fail */
    c->text[0] = '\0';
    return false;
  }
  c->text[c->len++] = (char)peek(c);
  c->at++;
  return true;
}

static bool take_one_of(scanner *c, const char *set) {
  int ch = peek(c);
  return ch > 0 && strchr(set, ch) != NULL && take(c);
}

static int take_digits(scanner *c, bool hex) {
  int n = 0;
  while (peek(c) >= 0 && (hex ? isxdigit(peek(c)) : isdigit(peek(c))) && take(c)) n++;
  return n;
}

static void scan_number(scanner *c) {
  bool hex = false;
  int digits = 0;
  while (isspace(peek(c))) c->at++;
  take_one_of(c, "+-");
  if (take_one_of(c, "0")) {
    if (take_one_of(c, "xX"))
      hex = true;
    else
      digits = 1;
  }
  digits += take_digits(c, hex);
  if (take_one_of(c, ".")) digits += take_digits(c, hex);
  if (digits > 0 && take_one_of(c, hex ? "pP" : "eE")) {
    take_one_of(c, "+-");
    take_digits(c, false);
  }
  c->text[c->len] = '\0';
}

static match match_number(lua_State *L, const input *in, size_t *used) {
  scanner c = {.in = in};
  scan_number(&c);
  if (c.at == in->len && !in->ended) return in->len > LINE_MOST ? TOO_LONG : MORE;
  *used = c.at;
  return lua_stringtonumber(L, c.text) ? MATCHED : MISMATCHED;
}

/* --- the formats of one call ------------------------------------------------------------------ */
static const char *format_at(lua_State *L, int arg) {
  const char *p = luaL_checkstring(L, arg);
  if (*p == '*') p++; /* as io, for the sake of 5.1 */
  return p;
}

static match match_format(lua_State *L, rt_stream *s, int arg, const input *in, size_t *used) {
  if (lua_type(L, arg) == LUA_TNUMBER) return match_bytes(L, in, lua_tointeger(L, arg), used);
  switch (*format_at(L, arg)) {
    case 'n': return match_number(L, in, used);
    case 'l': return match_line(L, s, in, true, used);
    case 'L': return match_line(L, s, in, false, used);
    default: return match_all(L, in, used);
  }
}

static void check_formats(lua_State *L) {
  int last = lua_gettop(L);
  for (int arg = 2; arg <= last; arg++) {
    if (lua_type(L, arg) == LUA_TNUMBER)
      luaL_argcheck(L, luaL_checkinteger(L, arg) >= 0, arg, "a number of bytes cannot be negative");
    else
      luaL_argcheck(L, strchr("nlLa", *format_at(L, arg)) && *format_at(L, arg), arg,
                    "invalid format");
  }
  if (last == 1) lua_pushliteral(L, "l");
}

static int finish(lua_State *L, rt_stream *s, int formats) {
  rt_buf_drop(&s->in, s->taken);
  return lua_gettop(L) - 1 - formats;
}

/* Stack: the stream, the formats, the values so far -> the same, and the values of the formats that
** what has arrived is enough for. MATCHED: that is all, or one did not match; else MORE or TOO_LONG. */
static match match_formats(lua_State *L, rt_stream *s, int formats, bool ended) {
  match m = MATCHED;
  while (s->format < formats && m == MATCHED) {
    size_t used = 0, len = rt_buf_len(&s->in) - s->taken;
    input in = {len ? rt_buf_data(&s->in) + s->taken : "", len, ended};
    m = match_format(L, s, 2 + s->format, &in, &used);
    if (m == MORE || m == TOO_LONG) return m;
    if (m == MISMATCHED) lua_pushnil(L);
    s->taken += used;
    s->scanned = 0;
    s->format++;
  }
  return MATCHED;
}

static int await_bytes(lua_State *L, rt_worker *w, rt_stream *s) {
  rtL_wait_prepare(L, w, w->running);
  int err = rt_sock_wait(s->sock, RT_READ, w->running, RT_OP_READ);
  return err == 0 ? RT_WAITS : rtL_fail(L, err, NULL);
}

/* Stack: as for match_formats -> the results; or RT_WAITS or RT_GAVE_WAY */
static int read_on(lua_State *L, rt_worker *w, rt_stream *s, int formats) {
  match m;
  bool ended = false, filled = false;
  while ((m = match_formats(L, s, formats, ended)) == MORE) {
    if (filled && rtL_wait_must_yield(L, w, w->running)) return RT_GAVE_WAY; /* a fast peer */
    int n = rt_stream_fill(s);
    if (n == UV_EAGAIN) return await_bytes(L, w, s);
    if (n < 0) return rtL_fail(L, n, NULL);
    w->loop.budget -= FILL;
    filled = true;
    ended = n == 0;
    if (ended) rtL_cancel_takes_precedence(L, w);
  }
  if (m == TOO_LONG)
    return rtL_fail(L, UV_EMSGSIZE, "a line or number of more than 1 MiB, or 1 GiB in one read");
  return finish(L, s, formats);
}

static void goes_on(lua_State *L, rt_stream *s, int how) {
  s->reading = false;
  rtL_wait_ended(L, s->worker, how);
}

static int read_again(lua_State *L, int status, lua_KContext formats);
static int read_later(lua_State *L, int status, lua_KContext formats);

/* 'how' is what has been done before, in this call: then it waits first. */
static int run(lua_State *L, rt_worker *w, rt_stream *s, int formats, int how) {
  for (;;) {
    if (how < 0) {
      s->reading = true;
      if (!rtL_wait_in_place(L, w))
        return rtL_wait(L, w, how == RT_GAVE_WAY ? read_later : read_again, formats);
      goes_on(L, s, how);
    }
    if (s->sock == NULL) return rtL_fail(L, UV_ECANCELED, "the stream was closed meanwhile");
    rt_stream_last_chance(s->sock, w->running);
    if ((how = read_on(L, w, s, formats)) >= 0) return how;
  }
}

static int read_again(lua_State *L, int status, lua_KContext formats) {
  (void)status;
  rt_stream *s = lua_touserdata(L, 1);
  goes_on(L, s, RT_WAITS);
  return run(L, s->worker, s, (int)formats, 0);
}

static int read_later(lua_State *L, int status, lua_KContext formats) {
  (void)status;
  rt_stream *s = lua_touserdata(L, 1);
  goes_on(L, s, RT_GAVE_WAY);
  return run(L, s->worker, s, (int)formats, 0);
}

/* ... | nil [, message, code] = stream:read(...) */
int rtL_stream_read(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  rt_worker *w = s->worker;
  check_formats(L);
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rt_stream_is_read(s)) return rtL_fail(L, UV_EBUSY, "another task is reading");
  int formats = lua_gettop(L) - 1;
  luaL_checkstack(L, formats + LUA_MINSTACK, "too many formats");
  s->taken = s->scanned = 0;
  s->format = 0;
  return run(L, w, s, formats, rtL_wait_must_yield(L, w, t) ? RT_GAVE_WAY : 0);
}

/* --- lines ------------------------------------------------------------------------------------ */
/* the upvalues of the iterator, after the worker */
enum { READ = 2, STREAM, FORMATS, FORMATS_MOST = 250 };

static int have_read(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  if (!lua_isnil(L, 1) || lua_isnoneornil(L, 2)) return lua_gettop(L);
  lua_settop(L, 2); /* nil, message */
  return lua_error(L);
}

static int next_line(lua_State *L) {
  int formats = (int)lua_tointeger(L, lua_upvalueindex(FORMATS));
  lua_settop(L, 0);
  luaL_checkstack(L, formats + LUA_MINSTACK, "too many formats");
  lua_pushvalue(L, lua_upvalueindex(READ));
  lua_pushvalue(L, lua_upvalueindex(STREAM));
  for (int i = 1; i <= formats; i++) lua_pushvalue(L, lua_upvalueindex(FORMATS + i));
  lua_callk(L, 1 + formats, LUA_MULTRET, 0, have_read);
  return have_read(L, LUA_OK, 0);
}

/* for ... in stream:lines(...): as file:lines; raises if the connection breaks */
int rtL_stream_lines(lua_State *L) {
  rtL_stream_check(L);
  int formats = lua_gettop(L) - 1;
  luaL_argcheck(L, formats <= FORMATS_MOST, FORMATS_MOST + 2, "too many formats");
  check_formats(L);
  lua_settop(L, 1 + formats);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, rtL_stream_read, 1);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, formats);
  for (int i = 1; i <= formats; i++) lua_pushvalue(L, 1 + i);
  lua_pushcclosure(L, next_line, FORMATS + formats);
  return 1;
}
