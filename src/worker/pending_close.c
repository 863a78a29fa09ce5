#include "worker/pending_close.h"

#include "base/base.h"
#include "worker/compat.h"
#include "worker/stack_check.h"

/* --- instructions of Lua 5.4 ------------------------------------------------------------------ */
/* The API of Lua has no way to learn which instruction runs next. These are the first fields of
** Lua's own record of a call, CallInfo, and the numbers of its instructions. Both are the same in
** all releases of 5.4, as precompiled code is. If they are not, spec/pending_close_spec.lua
** fails. */
typedef struct call_info {
  void *function, *top;
  struct call_info *previous, *next;
  const uint32_t *next_instruction; /* in a hook: the one after the instruction that comes now */
} call_info;

typedef enum opcode {
  OP_MOVE = 0,
  OP_LFALSESKIP = 6,
  OP_LOADNIL = 8,
  OP_SETUPVAL = 10,
  OP_GETTABLE = 12,
  OP_GETI = 13,
  OP_GETFIELD = 14,
  OP_SETTABUP = 15,
  OP_SETFIELD = 18,
  OP_SELF = 20,
  OP_MMBIN = 46,
  OP_MMBINK = 48,
  OP_CONCAT = 53,
  OP_CLOSE = 54,
  OP_TBC = 55,
  OP_JMP = 56,
  OP_EQ = 57,
  OP_EQK = 60,
  OP_EQI = 61,
  OP_TEST = 66,
  OP_TESTSET = 67,
  OP_CALL = 68,
  OP_TAILCALL = 69,
  OP_RETURN = 70,
  OP_RETURN0 = 71,
  OP_RETURN1 = 72,
  OP_FORLOOP = 73,
  OP_FORPREP = 74,
  OP_TFORPREP = 75,
  OP_TFORCALL = 76,
  OP_TFORLOOP = 77,
  OP_SETLIST = 78,
  OP_VARARG = 80,
  OP_VARARGPREP = 81,
  OP_EXTRAARG = 82
} opcode;

static opcode opcode_of(uint32_t i) { return i & 0x7f; }
static unsigned a_of(uint32_t i) { return i >> 7 & 0xff; }
static unsigned b_of(uint32_t i) { return i >> 16 & 0xff; }
static unsigned c_of(uint32_t i) { return i >> 24; }
static unsigned bx_of(uint32_t i) { return i >> 15; }
static bool k_of(uint32_t i) { return i >> 15 & 1; }
static int jump_of(uint32_t i) { return (int)(i >> 7) - 0xffffff; }

/* A comparison or a test: it skips the next instruction, or runs it, which is a jump. */
static bool is_test(opcode op) { return op >= OP_EQ && op <= OP_TESTSET; }

/* Does the instruction at 'at' go backwards? */
static bool is_loop(const uint32_t *at) {
  opcode op = opcode_of(*at);
  if (is_test(op)) at++;
  if (is_test(op) || op == OP_JMP) return jump_of(*at) < 0;
  return op == OP_FORLOOP || op == OP_TFORLOOP;
}

/* --- sets of registers ------------------------------------------------------------------------ */
/* A function has at most 255 registers. The number after the last one stands for its extra
** arguments (...), all together. */
enum { REGISTERS = 255, EXTRA = 255 };

typedef struct reg_set {
  uint64_t bits[4];
} reg_set;

static bool has(const reg_set *s, unsigned r) { return s->bits[r / 64] >> r % 64 & 1; }

static void set_register(reg_set *s, unsigned r, bool in) {
  uint64_t bit = (uint64_t)1 << r % 64;
  if (in)
    s->bits[r / 64] |= bit;
  else
    s->bits[r / 64] &= ~bit;
}

/* Registers 'from' up to, and without, 'to', of which there are no more than REGISTERS. */
static void set_range(reg_set *s, unsigned from, unsigned to, bool in) {
  for (unsigned r = from; r < to && r < REGISTERS; r++) set_register(s, r, in);
}

static bool has_in_range(const reg_set *s, unsigned from, unsigned to) {
  for (unsigned r = from; r < to && r < REGISTERS; r++)
    if (has(s, r)) return true;
  return false;
}

static bool is_empty(const reg_set *s) {
  return (s->bits[0] | s->bits[1] | s->bits[2] | s->bits[3]) == 0;
}

static void add_all(reg_set *s, const reg_set *other) {
  for (size_t i = 0; i < rt_countof(s->bits); i++) s->bits[i] |= other->bits[i];
}

/* --- following the instructions --------------------------------------------------------------- */
enum { BRANCHES = 64 };

typedef struct walk {
  reg_set held; /* the registers with such a value, when the next instruction is reached */
  struct {
    const uint32_t *at; /* the target of a jump that was passed */
    reg_set held;
  } branches[BRANCHES];
  int count;
} walk;

/* The walk also continues at 'at'. If there are too many branches, this one is not followed. */
static void branch_to(walk *w, const uint32_t *at) {
  if (is_empty(&w->held)) return;
  for (int i = 0; i < w->count; i++)
    if (w->branches[i].at == at) {
      add_all(&w->branches[i].held, &w->held);
      return;
    }
  if (w->count == BRANCHES) return;
  w->branches[w->count].at = at;
  w->branches[w->count++].held = w->held;
}

static void take_branches(walk *w, const uint32_t *at) {
  for (int i = w->count; i-- > 0;)
    if (w->branches[i].at == at) {
      add_all(&w->held, &w->branches[i].held);
      w->branches[i] = w->branches[--w->count];
    }
}

/* Does the instruction store such a value in a table or in a variable of another function? */
static bool stores(const reg_set *held, uint32_t i) {
  unsigned a = a_of(i), b = b_of(i);
  opcode op = opcode_of(i);
  if (op >= OP_SETTABUP && op <= OP_SETFIELD) return !k_of(i) && has(held, c_of(i));
  if (op == OP_SETLIST) return has_in_range(held, a + 1, b == 0 ? REGISTERS : a + b + 1);
  return op == OP_SETUPVAL && has(held, a);
}

/* Is the place reached that makes a value pending? */
static bool is_place(const reg_set *held, uint32_t i) {
  unsigned a = a_of(i), b = b_of(i);
  switch (opcode_of(i)) {
    case OP_TBC: return has(held, a);
    case OP_TFORPREP: return has(held, a + 3);
    case OP_CALL:
    case OP_TAILCALL: return has_in_range(held, a + 1, b == 0 ? REGISTERS : a + b);
    case OP_RETURN: return has_in_range(held, a, b == 0 ? REGISTERS : a + b - 1);
    case OP_RETURN1: return has(held, a);
    default: return stores(held, i);
  }
}

/* What the instruction does to the registers. What is read from a table that has such a value
** counts as this value. */
static void assign(reg_set *held, uint32_t i) {
  unsigned a = a_of(i), b = b_of(i), c = c_of(i);
  opcode op = opcode_of(i);
  if ((op >= OP_SETTABUP && op <= OP_SETFIELD) || (op >= OP_MMBIN && op <= OP_MMBINK)) return;
  switch (op) {
    case OP_MOVE:
    case OP_GETTABLE:
    case OP_GETI:
    case OP_GETFIELD: set_register(held, a, has(held, b)); break;
    case OP_SELF:
      set_register(held, a + 1, has(held, b));
      set_register(held, a, false);
      break;
    case OP_LOADNIL: set_range(held, a, a + b + 1, false); break;
    case OP_CONCAT:
    case OP_CALL: set_range(held, a, REGISTERS, false); break; /* what is above A is used up */
    case OP_VARARG: set_range(held, a, c == 0 ? REGISTERS : a + c - 1, has(held, EXTRA)); break;
    case OP_FORPREP: set_range(held, a, a + 4, false); break;
    case OP_TFORCALL: set_range(held, a + 4, REGISTERS, false); break;
    case OP_SETUPVAL:
    case OP_CLOSE:
    case OP_TBC:
    case OP_JMP:
    case OP_TFORPREP:
    case OP_SETLIST:
    case OP_VARARGPREP:
    case OP_EXTRAARG: break;
    default:
      if (!is_test(op)) set_register(held, a, false);
  }
}

/* The test was run: the walk also continues where it jumps to. */
static void branch_of_test(walk *w, const uint32_t *at) {
  reg_set if_skipped = w->held;
  if (opcode_of(*at) == OP_TESTSET) set_register(&w->held, a_of(*at), has(&w->held, b_of(*at)));
  branch_to(w, at + 2 + jump_of(at[1]));
  w->held = if_skipped;
}

/* The instruction was run: where does the walk continue? Returns the next instruction, at which
** w->held is empty if only branches lead there. */
static const uint32_t *follow(walk *w, const uint32_t *at) {
  uint32_t i = *at++;
  opcode op = opcode_of(i);
  bool ends = false;
  if (is_test(op)) {
    branch_of_test(w, at - 1);
    at++;
  } else {
    switch (op) {
      case OP_LFALSESKIP: branch_to(w, at + 1), ends = true; break;
      case OP_JMP: branch_to(w, at + jump_of(i)), ends = true; break;
      case OP_FORPREP: branch_to(w, at + bx_of(i) + 1); break;
      case OP_TFORPREP: branch_to(w, at + bx_of(i)), ends = true; break;
      case OP_TAILCALL:
      case OP_RETURN:
      case OP_RETURN0:
      case OP_RETURN1: ends = true; break;
      default: break;
    }
  }
  if (ends) w->held = (reg_set){0};
  return at;
}

/* --- loops that the value ends ---------------------------------------------------------------- */
/* repeat got = m:try_lock() until got
** while not got do got = m:try_lock() end
**
** A value that is held is neither false nor equal to a constant. So the test of such a register has
** one result. */
typedef enum test_result { RESULT_UNKNOWN, RESULT_JUMP, RESULT_SKIP } test_result;

static test_result result_of(const reg_set *held, uint32_t i) {
  opcode op = opcode_of(i);
  if (op == OP_TEST && has(held, a_of(i))) return k_of(i) ? RESULT_JUMP : RESULT_SKIP;
  if (op == OP_TESTSET && has(held, b_of(i))) return k_of(i) ? RESULT_JUMP : RESULT_SKIP;
  bool compares = (op == OP_EQK || op == OP_EQI) && has(held, a_of(i));
  return !compares ? RESULT_UNKNOWN : k_of(i) ? RESULT_SKIP : RESULT_JUMP;
}

static bool leads_elsewhere(opcode op) {
  return op == OP_LFALSESKIP || op == OP_JMP || (op >= OP_TAILCALL && op <= OP_TFORLOOP);
}

/* The loop goes back, with the instruction 'back', to 'at'. Does the condition that is evaluated
** there end the loop, whatever else it tests? Then the walk continues where it leaves the loop. */
static void leave_loop(walk *w, const uint32_t *at, const uint32_t *back) {
  walk exits = {.held = w->held};
  test_result result = RESULT_UNKNOWN;
  while (at < back && result != RESULT_JUMP && !leads_elsewhere(opcode_of(*at))) {
    if (!is_test(opcode_of(*at))) {
      if (is_place(&exits.held, *at)) return;
      assign(&exits.held, *at++);
      continue;
    }
    result = result_of(&exits.held, *at);
    const uint32_t *target = at + 2 + jump_of(at[1]);
    if (result != RESULT_SKIP && target <= back) return;
    if (result != RESULT_SKIP) branch_of_test(&exits, at);
    at += 2;
  }
  if (result != RESULT_JUMP) return;
  for (int i = 0; i < exits.count; i++) {
    w->held = exits.branches[i].held;
    branch_to(w, exits.branches[i].at);
  }
}

static const uint32_t *follow_loop(walk *w, const uint32_t *at) {
  test_result result = RESULT_UNKNOWN;
  if (opcode_of(*at) == OP_JMP) {
    result = RESULT_JUMP;
  } else if (is_test(opcode_of(*at))) {
    result = result_of(&w->held, *at++);
    if (result == RESULT_SKIP) return at + 1;
  }
  if (result == RESULT_JUMP) leave_loop(w, at + 1 + jump_of(*at), at);
  w->held = (reg_set){0};
  return at + 1;
}

/* Every branch leads forward, and the last instruction of a function is a return, so the walk
** ends. */
static bool is_pending(walk *w, const uint32_t *at) {
  while (!is_empty(&w->held) || w->count > 0) {
    take_branches(w, at);
    if (is_place(&w->held, *at)) return true;
    if (is_loop(at)) {
      at = follow_loop(w, at);
    } else {
      assign(&w->held, *at);
      at = follow(w, at);
    }
  }
  return false;
}

/* --- the values of the function --------------------------------------------------------------- */
enum { ENTRIES = 16 }; /* how many values of a table are looked at */

/* Stack: … the value -> … */
static bool pop_has_close(lua_State *L) {
  bool found = luaL_getmetafield(L, -1, "__close") != LUA_TNIL;
  lua_pop(L, found ? 2 : 1);
  return found;
}

/* Stack: … the table -> … the table. Is a value of it to be closed? A table with a metatable is an
** object, which closes its parts by itself. */
static bool contains_one(lua_State *L) {
  if (lua_getmetatable(L, -1)) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushnil(L);
  for (int i = 0; i < ENTRIES && lua_next(L, -2); i++)
    if (pop_has_close(L)) {
      lua_pop(L, 1);
      return true;
    } else if (i == ENTRIES - 1) {
      lua_pop(L, 1);
    }
  return false;
}

/* Stack: … the value -> … */
static bool pop_is_held(lua_State *L) {
  if (lua_type(L, -1) == LUA_TTABLE && contains_one(L)) {
    lua_pop(L, 1);
    return true;
  }
  return pop_has_close(L);
}

/* In a function that has not begun yet, all arguments are still in registers: OP_VARARGPREP, its
** first instruction, takes those above its A away. */
static reg_set find_values(lua_State *L, lua_Debug *ar, uint32_t first) {
  reg_set found = {0};
  unsigned parameters = opcode_of(first) == OP_VARARGPREP ? a_of(first) : REGISTERS;
  for (unsigned r = 0; r < REGISTERS && lua_getlocal(L, ar, (int)r + 1) != NULL; r++)
    if (pop_is_held(L)) set_register(&found, r < parameters ? r : EXTRA, true);
  for (int n = 1; lua_getlocal(L, ar, -n) != NULL; n++)
    if (pop_is_held(L)) set_register(&found, EXTRA, true);
  return found;
}

bool rtL_pending_close(lua_State *L, lua_Debug *ar) {
  RTL_STACK_CHECK(L, 0);
  const call_info *ci = (const call_info *)(const void *)ar->i_ci;
  const uint32_t *at = ci->next_instruction - 1;
  walk w = {.held = find_values(L, ar, *at)};
  return is_pending(&w, at);
}

/* --- the functions that are active ------------------------------------------------------------ */
enum { LEVELS = 200 };

/* Is it the record before the first function of a coroutine? */
static bool is_outside(const call_info *ci) { return ci->previous == NULL; }

/* (The "what" of lua_getinfo comes with the name of the file, which takes longer.) */
static bool is_c_function(lua_State *co, lua_Debug *ar) {
  lua_getinfo(co, "f", ar);
  bool is_c = lua_iscfunction(co, -1);
  lua_pop(co, 1);
  return is_c;
}

/* How many values lua_getlocal finds with the numbers 1, 2, … ('sign' is 1) or -1, -2, … (-1). */
static int count_values(lua_State *co, lua_Debug *ar, int sign) {
  int found = 0, missing = 0, n = 1;
  while (missing == 0 || missing - found > 1) {
    if (lua_getlocal(co, ar, sign * n) != NULL) {
      lua_pop(co, 1);
      found = n;
    } else {
      missing = n;
    }
    n = missing == 0 ? 2 * n : found + (missing - found) / 2;
  }
  return found;
}

/* Stack: … the value -> … Is this function the __close of the value? (After a tail call it is
** another one, and a __close that is no function has a __call: these count.) */
static bool pop_is_close_of(lua_State *L, lua_State *co, lua_Debug *ar) {
  if (luaL_getmetafield(L, -1, "__close") == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  bool is_it = ar->istailcall || !lua_isfunction(L, -1);
  if (!is_it) {
    lua_getinfo(co, "f", ar);
    lua_xmove(co, L, 1);
    is_it = lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return is_it;
}

/* Where an error has ended functions, pcall calls the __close; where a coroutine is closed, nothing
** does, and the record before its first function is that of the caller. Lua puts the __close above
** the value and the error. A function with extra arguments (...) has moved above all of its
** arguments. */
static bool is_called_by_c(lua_State *L, lua_State *co, lua_Debug *ar, lua_Debug *caller) {
  int values = count_values(co, caller, 1);
  lua_getinfo(co, "tu", ar);
  if (ar->isvararg && !is_c_function(co, ar)) values -= 1 + ar->nparams + count_values(co, ar, -1);
  if (values < 2) return false;
  lua_getlocal(co, caller, values - 1);
  lua_xmove(co, L, 1);
  return pop_is_close_of(L, co, ar);
}

/* A Lua function calls nothing else at these instructions than a __close. (lua_getinfo has a name
** for it, "close", but not if the __close has ended with a tail call.) */
static bool is_close(lua_State *L, lua_State *co, call_info *ci) {
  lua_Debug ar = {.i_ci = (void *)ci}, caller = {.i_ci = (void *)ci->previous};
  if (is_outside(ci->previous)) return is_called_by_c(L, co, &ar, &caller);
  if (is_c_function(co, &caller)) return is_called_by_c(L, co, &ar, &caller);
  opcode op = opcode_of(ci->previous->next_instruction[-1]);
  return op == OP_CLOSE || op == OP_RETURN;
}

int rtL_pending_close_find(lua_State *L, lua_State *co, int level) {
  RTL_STACK_CHECK(L, 0);
  if (!lua_checkstack(co, 1)) return -1;
  lua_Debug ar;
  if (!lua_getstack(co, level, &ar)) return -1;
  call_info *ci = (void *)ar.i_ci;
  for (int i = 0; i < LEVELS && !is_outside(ci); i++, ci = ci->previous)
    if (is_close(L, co, ci)) return level + i;
  return -1;
}

bool rtL_pending_close_is_one(lua_State *L) {
  RTL_STACK_CHECK(L, 0);
  lua_Debug ar;
  return lua_getstack(L, 0, &ar) && is_close(L, L, (void *)ar.i_ci);
}
