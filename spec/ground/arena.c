/* spec/ground/arena.c - base/arena.c: the memory of one Lua state.
**
** Debug builds get each block from malloc, so that the sanitizers know it. This test is about the
** pages, in every build: it includes base/arena.c as release builds have it, with other names.
*/
#include "base/list.h" /* before RT_DEBUG changes */
#include "check.h"

enum { DEBUG = RT_DEBUG };
#undef RT_DEBUG
#define RT_DEBUG 0
#define rt_arena_new pages_new
#define rt_arena_free pages_free
#define rt_arena_alloc pages_alloc
#define rt_arena_used pages_used
#define RT_ARENA_H /* its prototypes, under their new names: */
typedef struct rt_arena rt_arena;
rt_arena *rt_arena_new(void);
void rt_arena_free(rt_arena *a);
void *rt_arena_alloc(void *ud, void *ptr, size_t osize, size_t nsize);
size_t rt_arena_used(const rt_arena *a);
#include "../../src/base/arena.c"

#include <sys/resource.h>

/* One thread: the thread sanitizer finds nothing here, is slow, and uses memory of its own. */
#ifdef __SANITIZE_THREAD__
enum { BLOCKS = 2000, STEPS = 100000, IS_MEASURABLE = 0 };
#else
enum { BLOCKS = 20000, STEPS = 3000000, IS_MEASURABLE = 1 };
#endif

typedef struct slot {
  unsigned char *p;
  size_t size;
  unsigned char tint; /* byte i of the block is tint + i */
} slot;

static slot slots[BLOCKS];

static void paint(slot *s, size_t from) {
  for (size_t i = from; i < s->size; i++) s->p[i] = (unsigned char)(s->tint + i);
}

static bool is_intact(const slot *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (s->p[i] != (unsigned char)(s->tint + i)) return false;
  return true;
}

/* The sizes of the blocks of a Lua state: mostly small, some of a coroutine, a few large. */
static size_t some_size(void) {
  static const size_t common[] = {16, 24, 32, 40, 56, 64, 208, 720, 1008, 1024, 1025, 1040};
  if (one_in(3)) return common[below(rt_countof(common))];
  if (one_in(50)) return 1 + below(100000);
  return 1 + below(one_in(3) ? 1200 : 130);
}

static bool give_one(rt_arena *a, slot *s) {
  bool intact = is_intact(s, s->size);
  void *gone = rt_arena_alloc(a, s->p, s->size, 0);
  s->p = NULL;
  return intact && gone == NULL;
}

static bool take_one(rt_arena *a, slot *s, size_t size) {
  s->size = size;
  s->tint = (unsigned char)below(256);
  s->p = rt_arena_alloc(a, NULL, below(9), size); /* (the old size is a type then) */
  if (s->p == NULL) return false;
  paint(s, 0);
  return (uintptr_t)s->p % 16 == 0;
}

static bool resize_one(rt_arena *a, slot *s, size_t size) {
  size_t old = s->size, kept = old < size ? old : size;
  unsigned char *p = rt_arena_alloc(a, s->p, old, size);
  if (p == NULL) return false;
  s->p = p;
  s->size = size;
  bool intact = is_intact(s, kept);
  paint(s, kept);
  return intact && (uintptr_t)p % 16 == 0;
}

static size_t sum(void) {
  size_t total = 0;
  for (int i = 0; i < BLOCKS; i++)
    if (slots[i].p) total += slots[i].size;
  return total;
}

static bool give_all(rt_arena *a) {
  bool intact = true;
  for (int i = 0; i < BLOCKS; i++)
    if (slots[i].p) intact = give_one(a, &slots[i]) && intact;
  return intact;
}

/* The number of blocks in use rises and falls, so pages become full, become empty and change their
** size. */
static void check_chance(void) {
  rt_arena *a = rt_arena_new();
  bool intact = true, counted = true;
  must("there is memory", a != NULL);
  for (int i = 0; i < MANY(STEPS) && intact; i++) {
    slot *s = &slots[below(1 + (uint64_t)i / 7 % BLOCKS)];
    if (s->p == NULL)
      intact = take_one(a, s, some_size());
    else if (one_in(4))
      intact = resize_one(a, s, some_size());
    else
      intact = give_one(a, s);
    if (i % 10000 == 0) counted = counted && rt_arena_used(a) == sum();
  }
  check("blocks keep their bytes, are aligned and never overlap, whatever comes and goes", intact);
  check("the bytes in use are counted", counted && rt_arena_used(a) == sum());
  check("what is left is intact", give_all(a) && rt_arena_used(a) == 0);
  rt_arena_free(a);
}

/* --- pages ------------------------------------------------------------------------------------ */
/* How many pages were ever used. */
static size_t count_pages(const rt_arena *a) {
  size_t n = 0;
  for (const region *r = a->regions; r; r = r->next) n += REGION / PAGE;
  return n - (size_t)(a->fresh_end - a->fresh) / PAGE;
}

static bool take_all(rt_arena *a, size_t size) {
  bool right = true;
  for (int i = 0; i < BLOCKS; i++) right = take_one(a, &slots[i], size) && right;
  return right;
}

static size_t resident(void) {
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f == NULL) return 0;
  if (fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
  fclose(f);
  return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void check_reuse(void) {
  rt_arena *a = rt_arena_new();
  bool intact = true;
  must("there is memory", a != NULL);
  intact = take_all(a, 720) && give_all(a);
  size_t pages = count_pages(a);
  for (size_t size = 16; size <= 720; size += 16)
    intact = intact && take_all(a, size) && give_all(a);
  /* (45: the current page of each size) */
  check("a page that has emptied serves any size again", intact && count_pages(a) <= pages + 45);
  rt_arena_free(a);
}

/* Every second block stays allocated. */
static void check_holes(void) {
  rt_arena *a = rt_arena_new();
  must("there is memory", a != NULL);
  bool intact = take_all(a, 208);
  for (int i = 0; i < BLOCKS; i += 2) intact = give_one(a, &slots[i]) && intact;
  size_t pages = count_pages(a);
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < BLOCKS; i += 2) intact = take_one(a, &slots[i], 208) && intact;
    for (int i = 0; i < BLOCKS; i += 2) intact = give_one(a, &slots[i]) && intact;
  }
  check("holes are filled before new pages are touched", intact && count_pages(a) == pages);
  check("… and nothing around them is harmed", give_all(a) && rt_arena_used(a) == 0);
  rt_arena_free(a);
}

static void check_return(void) {
  rt_arena *a = rt_arena_new();
  must("there is memory", a != NULL);
  size_t before = resident();
  bool intact = take_all(a, 1024);
  size_t full = resident();
  intact = intact && give_all(a);
  size_t after = resident();
  printf("# resident: %zu KiB before, %zu full, %zu after\n", before >> 10, full >> 10,
         after >> 10);
  if (IS_MEASURABLE && before > 0)
    check("memory that is no longer used goes back to the system",
          full - before > BLOCKS * 1000 && after < before + (full - before) / 4);
  check("… and can be had again", intact && take_all(a, 1024) && give_all(a));
  rt_arena_free(a);
  if (IS_MEASURABLE && before > 0)
    check("an arena that is freed leaves nothing", resident() < before + (1 << 21));
}

/* --- no memory -------------------------------------------------------------------------------- */
/* (With a limit the sanitizers do not get the address space that they need.) */
static void check_shortage(void) {
  struct rlimit none = {0, RLIM_INFINITY}, before;
  if (DEBUG || getrlimit(RLIMIT_AS, &before) != 0) return;
  rt_arena *a = rt_arena_new();
  slot s = {0};
  int n = 0;
  must("there is memory", a != NULL);
  none.rlim_max = before.rlim_max;
  setrlimit(RLIMIT_AS, &none);
  bool none_large = rt_arena_alloc(a, NULL, 0, 100 << 20) == NULL;
  bool none_small = rt_arena_alloc(a, NULL, 0, 100) == NULL;
  bool none_counted = rt_arena_used(a) == 0;
  setrlimit(RLIMIT_AS, &before);
  check("without memory there is no block, and none is counted",
        none_large && none_small && none_counted);
  check("once there is memory again, there are blocks", take_one(a, &s, 100));
  setrlimit(RLIMIT_AS, &none);
  while (n < BLOCKS && take_one(a, &slots[n], 1000)) n++;
  bool kept = rt_arena_alloc(a, s.p, 100, 1000) == NULL && is_intact(&s, 100);
  setrlimit(RLIMIT_AS, &before);
  printf("# %d blocks of 1000 bytes from what was there\n", n);
  check("a block that cannot grow stays as it is", kept && n > 0 && give_one(a, &s));
  check("… and so do the others", give_all(a) && rt_arena_used(a) == 0);
  rt_arena_free(a);
}

int main(void) {
  check_begin(120);
  check_return(); /* first, while the heap is small */
  check_chance();
  check_reuse();
  check_holes();
  check_shortage();
  return check_end();
}
