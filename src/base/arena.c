#include "base/arena.h"

#include "base/list.h"

#include <sys/mman.h>

enum {
  GRAIN = 16,     /* block sizes are multiples of this */
  LARGEST = 1024, /* larger blocks come from malloc */
  CLASSES = LARGEST / GRAIN,
  PAGE = 256 * 1024,        /* 364 stacks of new coroutines and 64 bytes: nothing is left over */
  REGION = 16 * PAGE,       /* is mapped at once */
  BATCH = 8,                /* blocks that are put on a page's free list at once */
  MAX_EMPTY = RT_SIZE(4, 1) /* empty pages that keep their memory */
};

typedef struct block {
  struct block *next;
} block;

typedef struct page {
  block *free;
  uint32_t used; /* blocks in use */
  uint32_t bump; /* offset of the blocks that were never allocated */
  uint32_t size; /* of a block */
  bool full;     /* had no free block when it was last the current page; then it is on no list */
  rt_list link;  /* in a list 'partial', or in 'empty' or 'returned' */
} page;

typedef struct region {
  struct region *next;
  void *map;
  size_t size;
} region;

struct rt_arena {
  page *current[CLASSES + 1];   /* of each size class, the page to allocate from */
  rt_list partial[CLASSES + 1]; /* of each size class, other pages that may have free blocks */
  rt_list empty;                /* pages without a block in use */
  rt_list returned;             /* pages whose memory was returned to the system */
  size_t empty_count;
  char *fresh, *fresh_end; /* pages that were never used */
  size_t used;             /* bytes */
  region *regions;
  page no_page; /* the current page of a class that has none: it never has a free block */
};

static size_t class_of(size_t size) { return (size + GRAIN - 1) / GRAIN; }

static page *page_of(void *p) { return (page *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1)); }

/* --- pages ------------------------------------------------------------------------------------ */
static bool add_region(rt_arena *a) {
  region *r = rt_malloc(sizeof *r);
  if (r == NULL) return false;
  r->size = REGION + PAGE; /* one page more, so that the pages can be aligned */
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

static page *take_page(rt_arena *a) {
  rt_list *l = rt_list_take(&a->empty);
  if (l) a->empty_count--;
  if (l == NULL) l = rt_list_take(&a->returned);
  if (l) return rt_containerof(l, page, link);
  if (a->fresh == a->fresh_end && !add_region(a)) return NULL;
  page *pg = (page *)a->fresh;
  a->fresh += PAGE;
  return pg;
}

static page *init_page(rt_arena *a, size_t size_class) {
  page *pg = take_page(a);
  if (pg == NULL) return NULL;
  pg->free = NULL;
  pg->bump = (uint32_t)class_of(sizeof *pg) * GRAIN;
  pg->size = (uint32_t)size_class * GRAIN;
  pg->used = 0;
  pg->full = false;
  rt_list_init(&pg->link);
  return pg;
}

static void retire_page(rt_arena *a, page *pg) {
  rt_list_remove(&pg->link);
  if (a->empty_count < MAX_EMPTY) {
    a->empty_count++;
    rt_list_prepend(&a->empty, &pg->link);
    return;
  }
  madvise((char *)pg + 4096, PAGE - 4096, MADV_DONTNEED); /* its header stays */
  rt_list_append(&a->returned, &pg->link);
}

/* --- blocks ----------------------------------------------------------------------------------- */
/* Some blocks that were never allocated, as a list; NULL: the page has none left. */
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

static void *no_block(rt_arena *a, size_t size) {
  a->used -= size;
  return NULL;
}

/* The free list of the current page is empty: refill it, or make another page the current one. */
static rt_noinline void *arena_take_slow(rt_arena *a, size_t size) {
  size_t size_class = class_of(size);
  page *pg = a->current[size_class];
  if (pg != &a->no_page && (pg->free = carve(pg)) == NULL) {
    pg->full = true;
    rt_list *l = rt_list_take(&a->partial[size_class]);
    pg = l ? rt_containerof(l, page, link) : &a->no_page;
  }
  if (pg == &a->no_page && (pg = init_page(a, size_class)) == NULL) {
    a->current[size_class] = &a->no_page;
    return no_block(a, size);
  }
  a->current[size_class] = pg;
  if (pg->free == NULL) pg->free = carve(pg);
  block *b = pg->free;
  pg->free = b->next;
  pg->used++;
  return b;
}

static rt_noinline void *arena_take_large(rt_arena *a, size_t size) {
  void *p = rt_malloc(size);
  return p ? p : no_block(a, size);
}

static inline void *arena_take(rt_arena *a, size_t size) {
  a->used += size;
  if (rt_unlikely(size > LARGEST)) return arena_take_large(a, size);
  page *pg = a->current[class_of(size)];
  block *b = pg->free;
  if (rt_unlikely(b == NULL)) return arena_take_slow(a, size);
  pg->free = b->next;
  pg->used++;
  return b;
}

static rt_noinline void arena_give_slow(rt_arena *a, page *pg) {
  size_t size_class = pg->size / GRAIN;
  if (pg == a->current[size_class]) return;
  if (pg->used == 0) {
    retire_page(a, pg);
  } else if (pg->full) {
    pg->full = false;
    rt_list_append(&a->partial[size_class], &pg->link);
  }
}

static inline void arena_give(rt_arena *a, void *p, size_t size) {
  a->used -= size;
  if (rt_unlikely(size > LARGEST)) {
    rt_free(p);
    return;
  }
  page *pg = page_of(p);
  block *b = p;
  b->next = pg->free;
  pg->free = b;
  if (rt_unlikely(--pg->used == 0 || pg->full)) arena_give_slow(a, pg);
}

static rt_noinline void *arena_resize(rt_arena *a, void *ptr, size_t osize, size_t nsize) {
  void *moved;
  if (osize > LARGEST && nsize > LARGEST) {
    moved = rt_realloc(ptr, nsize);
  } else if (osize <= LARGEST && class_of(osize) == class_of(nsize)) {
    moved = ptr;
  } else {
    if ((moved = arena_take(a, nsize)) == NULL) return NULL;
    memcpy(moved, ptr, osize < nsize ? osize : nsize);
    arena_give(a, ptr, osize);
    return moved;
  }
  if (moved) a->used += nsize - osize;
  return moved;
}

/* In debug builds each block comes from malloc, so that the sanitizers can check its use. */
#if RT_DEBUG
static const bool uses_malloc = true;
#else
static const bool uses_malloc = false;
#endif

static void *malloc_alloc(rt_arena *a, void *ptr, size_t osize, size_t nsize) {
  void *got = NULL;
  if (nsize == 0)
    rt_free(ptr);
  else if ((got = rt_realloc(ptr, nsize)) == NULL && (ptr == NULL || nsize > osize))
    return NULL;
  else if (got == NULL)
    got = ptr; /* Lua requires that shrinking a block does not fail */
  a->used += nsize - (ptr ? osize : 0);
  return got;
}

void *rt_arena_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
  rt_arena *a = ud;
  if (uses_malloc) return malloc_alloc(a, ptr, osize, nsize);
  if (ptr == NULL)
    return nsize ? arena_take(a, nsize) : NULL; /* osize is the type of an object then */
  if (nsize > 0) return arena_resize(a, ptr, osize, nsize);
  arena_give(a, ptr, osize);
  return NULL;
}

size_t rt_arena_used(const rt_arena *a) { return a->used; }

rt_arena *rt_arena_new(void) {
  rt_arena *a = rt_calloc(sizeof *a);
  if (a == NULL) return NULL;
  for (size_t i = 0; i <= CLASSES; i++) {
    a->current[i] = &a->no_page;
    rt_list_init(&a->partial[i]);
  }
  rt_list_init(&a->empty);
  rt_list_init(&a->returned);
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
