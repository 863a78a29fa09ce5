#include "arena.h"

#include "list.h"

#include <sys/mman.h>

enum {
  GRAIN = 16,
  LARGEST = 1024, /* above, malloc does well */
  CLASSES = LARGEST / GRAIN,
  PAGE = 64 * 1024,
  REGION = 16 * PAGE, /* what is asked of the system at once */
  SPARE = RT_SIZE(8, 1) /* empty pages kept with their memory */
};

typedef struct block {
  struct block *next;
} block;

typedef struct page {
  rt_list link; /* on its class's list while it has room, or on 'spare' or 'cold' */
  block *free;
  uint32_t bump; /* offset of what was never handed out */
  uint32_t size; /* of a block */
  uint32_t used; /* blocks in use */
} page;

typedef struct region {
  struct region *next;
  void *map;
  size_t size;
} region;

struct rt_arena {
  rt_list room[CLASSES + 1]; /* pages of this class with room */
  rt_list spare;             /* empty pages */
  rt_list cold;              /* empty pages whose memory was given back */
  size_t spares;
  char *fresh, *fresh_end; /* pages never touched */
  size_t used;
  region *regions;
};

static size_t class_of(size_t size) { return (size + GRAIN - 1) / GRAIN; }

static page *page_of(void *p) { return (page *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1)); }

/* --- pages -------------------------------------------------------------------------- */
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
  rt_list_init(&pg->link);
  return pg;
}

static page *take_page(rt_arena *a, size_t class) {
  page *pg = find_page(a);
  if (pg == NULL) return NULL;
  pg->free = NULL;
  pg->bump = (uint32_t)class_of(sizeof *pg) * GRAIN;
  pg->size = (uint32_t)class * GRAIN;
  pg->used = 0;
  rt_list_append(&a->room[class], &pg->link);
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

static bool is_full(const page *pg) { return pg->free == NULL && pg->bump + pg->size > PAGE; }

/* --- blocks -------------------------------------------------------------------------- */
static void *take(rt_arena *a, size_t class) {
  rt_list *l = rt_list_first(&a->room[class]);
  page *pg = l ? rt_containerof(l, page, link) : take_page(a, class);
  if (rt_unlikely(pg == NULL)) return NULL;
  block *b = pg->free;
  if (b) {
    pg->free = b->next;
  } else {
    b = (block *)((char *)pg + pg->bump);
    pg->bump += pg->size;
  }
  pg->used++;
  if (rt_unlikely(is_full(pg))) rt_list_remove(&pg->link);
  return b;
}

static void give(rt_arena *a, void *p, size_t class) {
  page *pg = page_of(p);
  block *b = p;
  rt_assert(pg->size == class * GRAIN);
  if (rt_unlikely(is_full(pg))) rt_list_prepend(&a->room[class], &pg->link);
  b->next = pg->free;
  pg->free = b;
  if (rt_unlikely(--pg->used == 0)) drop_page(a, pg);
}

static void *resize(rt_arena *a, void *ptr, size_t osize, size_t nsize) {
  size_t from = class_of(osize), to = class_of(nsize);
  if (osize > LARGEST && nsize > LARGEST) return rt_realloc(ptr, nsize);
  if (osize <= LARGEST && from == to) return ptr;
  void *moved = nsize > LARGEST ? rt_malloc(nsize) : take(a, to);
  if (moved == NULL) return NULL;
  memcpy(moved, ptr, osize < nsize ? osize : nsize);
  if (osize > LARGEST)
    rt_free(ptr);
  else
    give(a, ptr, from);
  return moved;
}

/* Under the sanitizers each block is malloc's own, so that they can see it. */
#if RT_DEBUG
static const bool plain = true;
#else
static const bool plain = false;
#endif

static void *plain_alloc(void *ptr, size_t nsize) {
  if (nsize > 0) return rt_realloc(ptr, nsize);
  rt_free(ptr);
  return NULL;
}

void *rt_arena_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
  rt_arena *a = ud;
  void *got = NULL;
  if (ptr == NULL) osize = 0; /* Lua passes the kind of object there */
  if (plain)
    got = plain_alloc(ptr, nsize);
  else if (ptr == NULL)
    got = nsize == 0 ? NULL : nsize > LARGEST ? rt_malloc(nsize) : take(a, class_of(nsize));
  else if (nsize > 0)
    got = resize(a, ptr, osize, nsize);
  else if (osize > LARGEST)
    rt_free(ptr);
  else
    give(a, ptr, class_of(osize));
  if (got != NULL || nsize == 0) a->used += nsize - osize;
  return got;
}

size_t rt_arena_used(const rt_arena *a) { return a->used; }

rt_arena *rt_arena_new(void) {
  rt_arena *a = rt_calloc(sizeof *a);
  if (a == NULL) return NULL;
  for (size_t i = 0; i <= CLASSES; i++) rt_list_init(&a->room[i]);
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
