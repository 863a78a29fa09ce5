#include "base/arena.h"

#include "base/list.h"

#include <sys/mman.h>

enum {
  GRAIN = 16,
  LARGEST = 1024, /* above, malloc does well */
  KINDS = LARGEST / GRAIN,
  PAGE = 256 * 1024,  /* 364 stacks of new coroutines and 64 bytes: nothing is left over */
  REGION = 16 * PAGE, /* what is asked of the system at once */
  BATCH = 8,
  SPARE = RT_SIZE(4, 1) /* empty pages kept with their memory */
};

typedef struct block {
  struct block *next;
} block;

typedef struct page {
  block *free;
  uint32_t used; /* blocks in use */
  uint32_t bump; /* offset of what was never handed out */
  uint32_t size; /* of a block */
  bool full;     /* when last looked at: on no list */
  rt_list link;  /* on its kind's list of pages with room, or on 'spare' or 'cold' */
} page;

typedef struct region {
  struct region *next;
  void *map;
  size_t size;
} region;

struct rt_arena {
  page *current[KINDS + 1]; /* of each kind, the page to take from */
  rt_list room[KINDS + 1];  /* of each kind, other pages that may have room */
  rt_list spare;            /* empty pages */
  rt_list cold;             /* empty pages whose memory was given back */
  size_t spares;
  char *fresh, *fresh_end; /* pages never touched */
  size_t used;
  region *regions;
  page nothing; /* the current page of a kind that has none: full for ever */
};

static size_t kind_of(size_t size) { return (size + GRAIN - 1) / GRAIN; }

static page *page_of(void *p) { return (page *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1)); }

/* --- pages ------------------------------------------------------------------------------------ */
static bool add_region(rt_arena *a) {
  region *r = rt_malloc(sizeof *r);
  if (r == NULL) return false;
  r->size = REGION + PAGE; /* one more, to align */
  r->map = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (r->map == MAP_FAILED) {
    rt_free(r);
    return false;
  }
  r->next = a->regions;
  a->regions = r;
  a->fresh = (char *)page_of((char *)r->map + PAGE - 1);
  a->fresh_end = a->fresh + REGION;
  return true;
}

static page *find_page(rt_arena *a) {
  rt_list *l = rt_list_take(&a->spare);
  if (l) a->spares--;
  if (l == NULL) l = rt_list_take(&a->cold);
  if (l) return rt_containerof(l, page, link);
  if (a->fresh == a->fresh_end && !add_region(a)) return NULL;
  page *pg = (page *)a->fresh;
  a->fresh += PAGE;
  return pg;
}

static page *open_page(rt_arena *a, size_t kind) {
  page *pg = find_page(a);
  if (pg == NULL) return NULL;
  pg->free = NULL;
  pg->bump = (uint32_t)kind_of(sizeof *pg) * GRAIN;
  pg->size = (uint32_t)kind * GRAIN;
  pg->used = 0;
  pg->full = false;
  rt_list_init(&pg->link);
  return pg;
}

static void drop_page(rt_arena *a, page *pg) {
  rt_list_remove(&pg->link);
  if (a->spares < SPARE) {
    a->spares++;
    rt_list_prepend(&a->spare, &pg->link);
    return;
  }
  madvise((char *)pg + 4096, PAGE - 4096, MADV_DONTNEED); /* its link stays readable */
  rt_list_append(&a->cold, &pg->link);
}

/* --- blocks ----------------------------------------------------------------------------------- */
/* A few blocks that were never used, as a list; NULL: there are none. */
static block *carve(page *pg) {
  block *list = NULL, **end = &list;
  for (int i = 0; i < BATCH && pg->bump + pg->size <= PAGE; i++) {
    *end = (block *)((char *)pg + pg->bump);
    end = &(*end)->next;
    pg->bump += pg->size;
  }
  *end = NULL;
  return list;
}

static void *failed(rt_arena *a, size_t size) {
  a->used -= size;
  return NULL;
}

/* The current page has no free block: it has some that were never used, or another page
** becomes current. */
static __attribute__((noinline)) void *take_slowly(rt_arena *a, size_t size) {
  size_t kind = kind_of(size);
  page *pg = a->current[kind];
  if (pg != &a->nothing && (pg->free = carve(pg)) == NULL) {
    pg->full = true;
    rt_list *l = rt_list_take(&a->room[kind]);
    pg = l ? rt_containerof(l, page, link) : &a->nothing;
  }
  if (pg == &a->nothing && (pg = open_page(a, kind)) == NULL) {
    a->current[kind] = &a->nothing;
    return failed(a, size);
  }
  a->current[kind] = pg;
  if (pg->free == NULL) pg->free = carve(pg);
  block *b = pg->free;
  pg->free = b->next;
  pg->used++;
  return b;
}

static __attribute__((noinline)) void *take_large(rt_arena *a, size_t size) {
  void *p = rt_malloc(size);
  return p ? p : failed(a, size);
}

static inline void *take(rt_arena *a, size_t size) {
  a->used += size;
  if (rt_unlikely(size > LARGEST)) return take_large(a, size);
  page *pg = a->current[kind_of(size)];
  block *b = pg->free;
  if (rt_unlikely(b == NULL)) return take_slowly(a, size);
  pg->free = b->next;
  pg->used++;
  return b;
}

static __attribute__((noinline)) void give_slowly(rt_arena *a, page *pg) {
  size_t kind = pg->size / GRAIN;
  if (pg == a->current[kind]) return;
  if (pg->used == 0) {
    drop_page(a, pg);
  } else if (pg->full) {
    pg->full = false;
    rt_list_append(&a->room[kind], &pg->link);
  }
}

static inline void give(rt_arena *a, void *p, size_t size) {
  a->used -= size;
  if (rt_unlikely(size > LARGEST)) {
    rt_free(p);
    return;
  }
  page *pg = page_of(p);
  block *b = p;
  b->next = pg->free;
  pg->free = b;
  if (rt_unlikely(--pg->used == 0 || pg->full)) give_slowly(a, pg);
}

static __attribute__((noinline)) void *resize(rt_arena *a, void *ptr, size_t osize, size_t nsize) {
  void *moved;
  if (osize > LARGEST && nsize > LARGEST) {
    moved = rt_realloc(ptr, nsize);
  } else if (osize <= LARGEST && kind_of(osize) == kind_of(nsize)) {
    moved = ptr;
  } else {
    if ((moved = take(a, nsize)) == NULL) return NULL;
    memcpy(moved, ptr, osize < nsize ? osize : nsize);
    give(a, ptr, osize);
    return moved;
  }
  if (moved) a->used += nsize - osize;
  return moved;
}

/* Under the sanitizers each block is malloc's own, so that they can see it. */
#if RT_DEBUG
static const bool plain = true;
#else
static const bool plain = false;
#endif

static void *plain_alloc(rt_arena *a, void *ptr, size_t osize, size_t nsize) {
  void *got = NULL;
  if (nsize == 0)
    rt_free(ptr);
  else if ((got = rt_realloc(ptr, nsize)) == NULL && (ptr == NULL || nsize > osize))
    return NULL;
  else if (got == NULL)
    got = ptr; /* a block that shrinks always can */
  a->used += nsize - (ptr ? osize : 0);
  return got;
}

void *rt_arena_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
  rt_arena *a = ud;
  if (plain) return plain_alloc(a, ptr, osize, nsize);
  if (ptr == NULL) return nsize ? take(a, nsize) : NULL; /* (osize is a kind of object then) */
  if (nsize > 0) return resize(a, ptr, osize, nsize);
  give(a, ptr, osize);
  return NULL;
}

size_t rt_arena_used(const rt_arena *a) { return a->used; }

rt_arena *rt_arena_new(void) {
  rt_arena *a = rt_calloc(sizeof *a);
  if (a == NULL) return NULL;
  for (size_t i = 0; i <= KINDS; i++) {
    a->current[i] = &a->nothing;
    rt_list_init(&a->room[i]);
  }
  rt_list_init(&a->spare);
  rt_list_init(&a->cold);
  return a;
}

void rt_arena_free(rt_arena *a) {
  while (a->regions) {
    region *r = a->regions;
    a->regions = r->next;
    munmap(r->map, r->size);
    rt_free(r);
  }
  rt_free(a);
}
