/* lib/net/read.c - stream:read and stream:lines, with the formats of Lua's io library.
**
** A read matches its formats, one after the other, with the bytes in the stream's buffer, and
** receives more bytes when they are not enough. It drops bytes from the buffer only when all
** formats have matched: a read that is cancelled or times out has used none.
*/
#include "lib/net/net.h"

#include <ctype.h>

enum {
  LINE_MAX_BYTES = 1024 * 1024,        /* bytes of a line, or of a number and the space before it */
  READ_MAX_BYTES = 1024 * 1024 * 1024, /* bytes of a string that one format reads */
  READ_STACK = 16,                     /* slots that a read needs beside those of its values */
  NUMERAL_MAX = 200,                   /* characters of a numeral, as in Lua's io library */
  FILL = 8 /* what receiving a buffer of bytes costs of the task's budget */
};

typedef enum match { MATCHED, MORE, MISMATCHED, TOO_LONG } match;

typedef struct input {
  const char *from; /* the bytes that the format may use */
  size_t len;
  bool ended; /* no bytes will follow */
} input;

/* Each match_ function pushes a value if it returns MATCHED, and sets *used to the number of bytes
** that the value has used. */
static match match_line(lua_State *L, rt_stream *s, const input *in, bool chop, size_t *used) {
  const char *newline =
      in->len > s->scanned ? memchr(in->from + s->scanned, '\n', in->len - s->scanned) : NULL;
  s->scanned = in->len;
  if (newline == NULL && in->len > LINE_MAX_BYTES) return TOO_LONG;
  if (newline == NULL && !in->ended) return MORE;
  if (newline == NULL && in->len == 0) return MISMATCHED;
  size_t len = newline ? (size_t)(newline - in->from) : in->len;
  *used = newline ? len + 1 : len;
  lua_pushlstring(L, in->from, chop ? len : *used);
  return MATCHED;
}

static match match_all(lua_State *L, const input *in, size_t *used) {
  if (!in->ended) return in->len > READ_MAX_BYTES ? TOO_LONG : MORE;
  *used = in->len;
  lua_pushlstring(L, in->from, in->len);
  return MATCHED;
}

static match match_bytes(lua_State *L, const input *in, lua_Integer n, size_t *used) {
  size_t want = (size_t)n;
  if (in->len == 0 && in->ended) return MISMATCHED;
  if (want == 0 && in->len == 0) return MORE; /* read(0) waits for a byte or the end */
  if (in->len < want && !in->ended) return want > READ_MAX_BYTES ? TOO_LONG : MORE;
  *used = in->len < want ? in->len : want;
  lua_pushlstring(L, in->from, *used);
  return MATCHED;
}

/* --- numbers: the longest prefix that can be a numeral, as io.read("n") ----------------------- */
typedef struct scanner {
  const input *in;
  size_t at;
  char text[NUMERAL_MAX + 1];
  int len;
} scanner;

static int peek(const scanner *c) {
  return c->at < c->in->len ? (unsigned char)c->in->from[c->at] : -1;
}

static bool scan_char(scanner *c) {
  if (c->len == NUMERAL_MAX) { /* it is no numeral: the conversion fails */
    c->text[0] = '\0';
    return false;
  }
  c->text[c->len++] = (char)peek(c);
  c->at++;
  return true;
}

static bool scan_one_of(scanner *c, const char *set) {
  int ch = peek(c);
  return ch > 0 && strchr(set, ch) != NULL && scan_char(c);
}

static int scan_digits(scanner *c, bool hex) {
  int n = 0;
  while (peek(c) >= 0 && (hex ? isxdigit(peek(c)) : isdigit(peek(c))) && scan_char(c)) n++;
  return n;
}

static void scan_space(scanner *c) {
  while (isspace(peek(c))) c->at++;
}

static void scan_number(scanner *c) {
  bool hex = false;
  int digits = 0;
  scan_one_of(c, "+-");
  if (scan_one_of(c, "0")) {
    if (scan_one_of(c, "xX"))
      hex = true;
    else
      digits = 1;
  }
  digits += scan_digits(c, hex);
  if (scan_one_of(c, ".")) digits += scan_digits(c, hex);
  if (digits > 0 && scan_one_of(c, hex ? "pP" : "eE")) {
    scan_one_of(c, "+-");
    scan_digits(c, false);
  }
  c->text[c->len] = '\0';
}

/* A numeral is short, but the space before it is not: with more bytes the scan continues there. */
static match match_number(lua_State *L, rt_stream *s, const input *in, size_t *used) {
  scanner c = {.in = in, .at = s->scanned};
  scan_space(&c);
  s->scanned = c.at;
  scan_number(&c);
  if (c.at == in->len && !in->ended) return in->len > LINE_MAX_BYTES ? TOO_LONG : MORE;
  *used = c.at;
  return lua_stringtonumber(L, c.text) ? MATCHED : MISMATCHED;
}

/* --- the formats of one call ------------------------------------------------------------------ */
static const char *format_at(lua_State *L, int arg) {
  const char *p = luaL_checkstring(L, arg);
  if (*p == '*') p++; /* as in Lua 5.1 */
  return p;
}

static match match_format(lua_State *L, rt_stream *s, int arg, const input *in, size_t *used) {
  if (lua_type(L, arg) == LUA_TNUMBER) return match_bytes(L, in, lua_tointeger(L, arg), used);
  switch (*format_at(L, arg)) {
    case 'n': return match_number(L, s, in, used);
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

static int finish_read(lua_State *L, rt_stream *s, int formats) {
  rt_buf_drop(&s->in, s->taken);
  return lua_gettop(L) - 1 - formats;
}

/* Stack: the stream, the formats, the values so far -> the same, and more values. MATCHED: all
** formats have matched, or one cannot match and its value is nil; MORE: more bytes are needed;
** TOO_LONG. */
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
  rtL_wait_prepare(L, w, w->current.task);
  int err = rt_sock_wait(s->sock, RT_READ, w->current.task, RT_OP_READ);
  return err == 0 ? RT_WAITS : rtL_fail(L, err, NULL);
}

/* Stack: as for match_formats -> the results; or RT_WAITS or RT_YIELDED */
static int read_on(lua_State *L, rt_worker *w, rt_stream *s, int formats) {
  match m;
  bool ended = false, filled = false;
  while ((m = match_formats(L, s, formats, ended)) == MORE) {
    if (filled && rt_wait_must_yield(L, w, w->current.task)) return RT_YIELDED; /* a fast peer */
    int n = rt_stream_fill(s);
    if (n == UV_EAGAIN) return await_bytes(L, w, s);
    if (n < 0) return rtL_fail(L, n, NULL);
    rt_worker_spend(w, FILL);
    filled = true;
    ended = n == 0;
    if (ended) rtL_cancel_takes_precedence(L, w);
  }
  if (m == TOO_LONG)
    return rtL_fail(L, UV_EMSGSIZE, "a line or number of more than 1 MiB, or 1 GiB in one read");
  return finish_read(L, s, formats);
}

static void stream_read_resumed(lua_State *L, rt_stream *s, int how) {
  s->reading = false;
  rtL_wait_ended(L, s->worker, how);
}

/* What a read that waits is continued with: the number of formats, and LINES if the iterator of
** stream:lines reads. */
enum { LINES = 1 << 30 };

static int read_resume(lua_State *L, int status, lua_KContext ctx);
static int read_resume_yielded(lua_State *L, int status, lua_KContext ctx);

/* 'how' is 0, or RT_WAITS or RT_YIELDED: then the task waits before it continues to read. */
static int run_read(lua_State *L, rt_worker *w, rt_stream *s, lua_KContext ctx, int how) {
  int formats = (int)(ctx & (LINES - 1));
  for (;;) {
    if (how < 0) {
      s->reading = true;
      if (!rtL_wait_in_place(L, w))
        return rtL_wait(L, w, how == RT_YIELDED ? read_resume_yielded : read_resume, ctx);
      stream_read_resumed(L, s, how);
    }
    if (s->sock == NULL) return rtL_fail(L, UV_ECANCELED, "the stream was closed meanwhile");
    rt_stream_force_attempt(s->sock, w->current.task);
    if ((how = read_on(L, w, s, formats)) >= 0) return how;
  }
}

/* Stack: …, n results -> the same; the iterator raises the error of a connection. */
static int finish_line(lua_State *L, lua_KContext ctx, int n) {
  if (rt_likely(!(ctx & LINES) || !lua_isnil(L, -n) || n == 1 || lua_isnil(L, 1 - n))) return n;
  lua_settop(L, lua_gettop(L) - n + 2); /* nil, message */
  return lua_error(L);
}

static int read_resume(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rt_stream *s = lua_touserdata(L, 1);
  stream_read_resumed(L, s, RT_WAITS);
  return finish_line(L, ctx, run_read(L, s->worker, s, ctx, 0));
}

static int read_resume_yielded(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  rt_stream *s = lua_touserdata(L, 1);
  stream_read_resumed(L, s, RT_YIELDED);
  return finish_line(L, ctx, run_read(L, s->worker, s, ctx, 0));
}

/* Stack: the stream, the formats */
static int begin_read(lua_State *L, rt_stream *s, lua_KContext flag) {
  rt_worker *w = s->worker;
  rt_task *t = rtL_cancel_checkpoint(L, w);
  if (rt_stream_has_reader(s))
    return finish_line(L, flag, rtL_fail(L, UV_EBUSY, "another task is reading"));
  int formats = lua_gettop(L) - 1;
  luaL_checkstack(L, formats + READ_STACK, "too many formats");
  s->taken = s->scanned = 0;
  s->format = 0;
  int how = rt_wait_must_yield(L, w, t) ? RT_YIELDED : 0;
  return finish_line(L, flag, run_read(L, w, s, flag | formats, how));
}

/* ... | nil [, message, code] = stream:read(...)
**
** A read is no operation of lib/operation.h: between its waits the values that have matched stay on
** the stack, which an 'attempt' that fails must leave as it was; and one read may receive many
** buffers, so the budget is checked for each of them. */
int rtL_stream_read(lua_State *L) {
  rt_stream *s = rtL_stream_check(L);
  check_formats(L);
  return begin_read(L, s, 0);
}

/* --- lines ------------------------------------------------------------------------------------ */
/* the upvalues of the iterator; the first one is the worker */
enum { STREAM = 2, FORMATS, FORMATS_MAX = 250 };

static int next_line(lua_State *L) {
  int formats = (int)lua_tointeger(L, lua_upvalueindex(FORMATS));
  lua_settop(L, 0);
  luaL_checkstack(L, 1 + formats, "too many formats");
  lua_pushvalue(L, lua_upvalueindex(STREAM));
  for (int i = 1; i <= formats; i++) lua_pushvalue(L, lua_upvalueindex(FORMATS + i));
  return begin_read(L, rtL_stream_check(L), LINES);
}

/* for ... in stream:lines(...): as file:lines. It raises if the connection fails. */
int rtL_stream_lines(lua_State *L) {
  rtL_stream_check(L);
  int formats = lua_gettop(L) - 1;
  luaL_argcheck(L, formats <= FORMATS_MAX, FORMATS_MAX + 2, "too many formats");
  check_formats(L);
  if (formats == 0) formats = 1; /* "l" */
  luaL_checkstack(L, FORMATS + formats, "too many formats");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushinteger(L, formats);
  for (int i = 1; i <= formats; i++) lua_pushvalue(L, 1 + i);
  lua_pushcclosure(L, next_line, FORMATS + formats);
  return 1;
}
