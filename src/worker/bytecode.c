#include "worker/bytecode.h"

#include "worker/stack_check.h"

/* The header: signature, version, format; a text that text-mode transfers damage; sizes of an
** instruction, an integer and a number; one of each of these. */
enum { HEADER = 4 + 2 + 6 + 3 + 8 + 8, VERSION_AT = 4, SIZES_AT = 12 };

enum {
  SETUPVAL = 10, /* UpValue[B] := R[A] */
  GETTABUP = 11  /* R[A] := UpValue[B][K[C]] */
};
enum { STEP_IS_JUMP = -0x80 }; /* the line is in the list of jumps */
enum { INTEGER = 0x03, NUMBER = 0x13, SHORT = 0x04, LONG = 0x14 }; /* constants with contents */

/* --- writing ---------------------------------------------------------------------------------- */
static int append_bytes(lua_State *L, const void *bytes, size_t n, void *buf) {
  (void)L;
  return rt_buf_put(buf, bytes, n);
}

bool rt_bytecode_dump(lua_State *L, rt_buf *to) {
  RTL_STACK_CHECK(L, 0);
  return lua_dump(L, append_bytes, to, false) == 0;
}

/* --- reading ---------------------------------------------------------------------------------- */
static const char *bytecode_take(rt_bytecode *b, uint64_t n) {
  const char *at = b->at;
  if ((uint64_t)(b->end - at) < n) {
    b->broken = true;
    n = (uint64_t)(b->end - at);
  }
  b->at += n;
  return at;
}

static unsigned take_byte(rt_bytecode *b) {
  const char *at = bytecode_take(b, 1);
  return b->broken ? 0x80 : (unsigned char)*at; /* 0x80: a complete number, so loops end */
}

/* A number: seven bits a byte, the highest first; the last byte has bit 7 set. */
static uint64_t take_number(rt_bytecode *b) {
  uint64_t n = 0;
  unsigned byte;
  do {
    byte = take_byte(b);
    n = n << 7 | (byte & 0x7f);
  } while (!(byte & 0x80));
  return n;
}

static const char *take_string(rt_bytecode *b, size_t *len) {
  uint64_t n = take_number(b);
  *len = n > 0 ? (size_t)(n - 1) : 0;
  return bytecode_take(b, *len);
}

static void skip_string(rt_bytecode *b) {
  size_t len;
  take_string(b, &len);
}

/* The next constant; NULL: it is not a string. */
static const char *take_constant(rt_bytecode *b, size_t *len) {
  switch (take_byte(b)) {
    case INTEGER:
    case NUMBER: bytecode_take(b, 8); return NULL;
    case SHORT:
    case LONG: return take_string(b, len);
    default: return NULL;
  }
}

/* --- a function ------------------------------------------------------------------------------- */
static void skip_constants(rt_bytecode *b, uint64_t n) {
  size_t len;
  while (n-- > 0 && !b->broken) take_constant(b, &len);
}

static void skip_jumps(rt_bytecode *b, uint64_t n) {
  for (; n > 0 && !b->broken; n--) {
    take_number(b);
    take_number(b);
  }
}

static void skip_names(rt_bytecode *b) {
  for (uint64_t n = take_number(b); n > 0 && !b->broken; n--) { /* local variables */
    skip_string(b);
    take_number(b);
    take_number(b);
  }
  for (uint64_t n = take_number(b); n > 0 && !b->broken; n--)
    skip_string(b); /* names of upvalues */
}

static uint32_t instruction(const char *code, uint64_t pc) {
  uint32_t i;
  memcpy(&i, code + pc * sizeof i, sizeof i);
  return i;
}

static unsigned operand_b(uint32_t i) { return i >> 16 & 0xff; }

/* A function that is being read, and the one outside of it. */
typedef struct nesting {
  const struct nesting *outside; /* NULL: it is the outermost */
  const char *upvalues; /* three bytes each: is it a local variable of the function outside, its
                        ** number, its kind */
  uint64_t count;
} nesting;

static void take_upvalues(rt_bytecode *b, nesting *f) {
  f->count = take_number(b);
  f->upvalues = bytecode_take(b, f->count < UINT32_MAX ? f->count * 3 : UINT64_MAX);
  if (b->broken) f->count = 0;
}

/* Which upvalue of the outermost function this one is; -1: it is a variable of a function within
** that. */
static int outermost_upvalue(const nesting *f, unsigned upvalue) {
  for (; f->outside; f = f->outside) {
    if (upvalue >= f->count || f->upvalues[3 * upvalue] != 0) return -1;
    upvalue = (unsigned char)f->upvalues[3 * upvalue + 1];
  }
  return (int)upvalue;
}

static int64_t step(rt_bytecode *b);

static void add_line(int *line, int64_t found) {
  if (*line == 0 || found < *line) *line = (int)found;
}

/* Notes which upvalues of the outermost function this one assigns to. b: a copy of what was read
** of it. Without debug information, the line is that of the function. */
static void note_assignments(rt_bytecode b, const nesting *f, bool *first) {
  bool has_lines = b.step_count == b.instructions;
  if (b.broken) return;
  for (; b.pc < b.instructions; b.pc++) {
    uint32_t i = instruction(b.code, b.pc);
    int64_t line = b.lines && has_lines ? step(&b) : b.line;
    if ((i & 0x7f) != SETUPVAL) continue;
    int upvalue = outermost_upvalue(f, operand_b(i));
    if (upvalue == 0) *first = true;
    if (upvalue >= 0 && b.lines) add_line(&b.lines[upvalue], line);
  }
}

/* Recursive; Lua's compiler nests functions 200 deep at most. */
static void read_function(rt_bytecode *b, const nesting *outside) {
  rt_bytecode own = {.lines = b->lines};
  nesting f = {.outside = outside};
  skip_string(b); /* source */
  own.line = (int)take_number(b);
  take_number(b);      /* last line */
  bytecode_take(b, 3); /* number of parameters, is it vararg, stack size */
  own.instructions = take_number(b);
  own.code = bytecode_take(b, own.instructions < UINT32_MAX ? own.instructions * 4 : UINT64_MAX);
  own.broken = b->broken; /* then the code has fewer instructions */
  own.constant_count = take_number(b);
  own.constants = b->at;
  skip_constants(b, own.constant_count);
  take_upvalues(b, &f);
  for (uint64_t n = take_number(b); n > 0 && !b->broken; n--) read_function(b, &f);
  own.step_count = take_number(b);
  own.steps = bytecode_take(b, own.step_count);
  own.jump_count = take_number(b);
  own.jumps = b->at;
  skip_jumps(b, own.jump_count);
  skip_names(b);
  own.at = b->at; /* the outermost function returns last, so *b describes it in the end */
  own.end = b->end;
  own.broken = b->broken;
  own.assigns = b->assigns;
  note_assignments(own, &f, &own.assigns);
  *b = own;
}

static void read_all(rt_bytecode *b, const char *bytes, size_t len, int *lines) {
  static const char sizes[] = {4, 8, 8};
  *b = (rt_bytecode){.at = bytes, .end = bytes + len, .lines = lines};
  bytecode_take(b, HEADER + 1); /* the header, and the number of upvalues */
  if (b->broken || bytes[VERSION_AT] != 0x54 || bytes[VERSION_AT + 1] != 0 ||
      memcmp(bytes + SIZES_AT, sizes, sizeof sizes) != 0)
    b->broken = true;
  else
    read_function(b, NULL);
}

bool rt_bytecode_open(rt_bytecode *b, const char *bytes, size_t len) {
  read_all(b, bytes, len, NULL);
  return !b->broken && b->step_count == b->instructions;
}

bool rt_bytecode_assignments(const char *bytes, size_t len, int lines[RT_BYTECODE_UPVALUES]) {
  rt_bytecode b;
  memset(lines, 0, sizeof lines[0] * RT_BYTECODE_UPVALUES);
  read_all(&b, bytes, len, lines);
  return !b.broken;
}

/* --- what a line reads ------------------------------------------------------------------------ */
/* Computes the line of the next instruction. */
static int64_t step(rt_bytecode *b) {
  int by = (signed char)b->steps[b->pc];
  if (by != STEP_IS_JUMP) return b->line += by;
  b->at = b->jumps;
  take_number(b); /* the number of the instruction; jumps and such steps are in the same order */
  b->line = (int)take_number(b);
  b->jumps = b->at;
  return b->line;
}

static const char *constant(rt_bytecode *b, unsigned index, size_t *len) {
  if (index >= b->constant_count) return NULL;
  b->at = b->constants;
  skip_constants(b, index);
  return take_constant(b, len);
}

const char *rt_bytecode_next(rt_bytecode *b, int line, unsigned upvalue, size_t *len) {
  while (b->pc < b->instructions) {
    uint32_t i = instruction(b->code, b->pc);
    bool here = step(b) == line;
    b->pc++;
    if (!here || (i & 0x7f) != GETTABUP || operand_b(i) != upvalue) continue;
    const char *name = constant(b, i >> 24, len);
    if (name) return name;
  }
  return NULL;
}
