/* Trial deletion, without stopping other threads. The candidates are the object whose reference is
** dropped, and all that can be reached from it through messages which no other thread holds. For
** each candidate the references from candidates are counted. Candidates with more references than
** that, and all that can be reached from them, are alive. The others are garbage, if all that was
** seen was true at one moment:
**
** C1. The first pass visits each candidate once, under its lock, and notes the number that says
**     whether links are taken out of it.
** C2. Then the reference counts are read. (A count is equal to the counted references: at this time
**     nothing outside had a reference, if those were still there.)
** C3. The second pass reads the numbers of the garbage again. If they are the same, the references
**     from garbage were there all the time, so C2 holds for each of them. (References from
**     candidates that are alive make what they refer to alive, so they need not be looked at.)
**
** All this is under one lock, 'collecting', and so is each drop of a reference to an object that
** has links, unless it is the last one, or a handle is left.
**
** Nothing that can be reached is freed. Assume that a thread can reach an object Y of the garbage
** after the count of Y was read, and take the first way by which a thread came to that. It was no
** copy of a reference from outside, which would have been counted. So the thread has read, after
** the first visit, a message in an object X of the garbage, and had a reference to X for that. If
** the reference was there when the count of X was read, the count was higher. If it came later, it
** was an earlier way, to X. If it was dropped before, X had another handle, of which the same is
** true, or it had no links when that was dropped, since the collector has 'collecting'. Then the
** message that was read had been taken out, and C3 finds another number. (A message that another
** thread holds at the first visit is not counted, so what it refers to is alive. The holders of a
** message are looked at before the counts, since a thread takes references from it before it drops
** it.)
**
** No garbage is left. A cycle becomes garbage when the last reference from outside to an object
** from which it can be reached is dropped. That object has links then, and no handle, so the drop
** is under 'collecting': of two threads that drop two references, the later one sees that the
** other's is gone. It finds nothing changed, since no thread can reach the cycle any more. A
** reference may be dropped without that lock, because there is a handle or are no links, only if
** that is still so when the count changes: another thread may put a link in meanwhile, and drop its
** own reference. So rt_cycle_drop reads the word with the count before it asks has_links, and
** changes the word only if it is still the same. What else matters changes the word: a handle that
** is dropped is none from the beginning of the look, and rt_shared_note_link follows each put. (A
** thread that holds a message of an object has a reference to the object, too, and drops that
** later.)
**
** The bounds below are the exception, and memory that could not be allocated: such cycles stay.
**
** spec/model/cycle.c checks both in all schedules.
*/
#include "base/cycle.h"

#include "base/fork.h"
#include "base/ptr_map.h"

/* Larger cycles are not freed, so that to drop a reference costs little in every case. */
enum { CANDIDATES_MAX = 128, LEAVES_MAX = 1024 };

typedef struct candidate {
  rt_shared *object; /* held; the first one by the caller's reference */
  uint64_t changes;  /* the number of the object at the first visit */
  uint32_t counted;  /* references from candidates */
  uint32_t edges;    /* where its references begin in rt_cycle_visitor.edges */
  bool alive;
} candidate;

struct rt_cycle_visitor {
  rt_ptr_map numbers; /* object -> its number among the candidates, from 1 */
  candidate *candidates;
  uint32_t count, capacity;
  uint32_t *edges; /* numbers of candidates that are referred to */
  uint32_t edge_count, edge_capacity;
  int leaves;  /* references that may still be looked at */
  bool failed; /* there are too many, or there is no memory: nothing is freed */
  bool again;  /* the second pass: nothing is noted */
};

/* --- candidates ------------------------------------------------------------------------------- */
static bool has_room(void **array, uint32_t count, uint32_t *capacity, size_t size) {
  if (count < *capacity) return true;
  uint32_t more = *capacity ? *capacity * 2 : 16;
  void *larger = rt_realloc(*array, more * size);
  if (larger == NULL) return false;
  *array = larger;
  *capacity = more;
  return true;
}

/* The number of the object; 0: no memory, or there are too many. A new one is held, unless it is
** the first. */
static uint32_t candidate_number(rt_cycle_visitor *v, rt_shared *shared) {
  rt_ptr_map_entry *e = rt_ptr_map_at(&v->numbers, shared);
  if (e == NULL) return 0;
  if (e->value != 0) return e->value;
  void *candidates = v->candidates;
  bool room = v->count < CANDIDATES_MAX &&
              has_room(&candidates, v->count, &v->capacity, sizeof *v->candidates);
  v->candidates = candidates;
  if (!room) return 0;
  if (v->count > 0) rt_shared_hold(shared);
  v->candidates[v->count++] = (candidate){.object = shared};
  return e->value = v->count;
}

static bool add_edge(rt_cycle_visitor *v, rt_shared *shared) {
  uint32_t number = candidate_number(v, shared);
  void *edges = v->edges;
  bool room = has_room(&edges, v->edge_count, &v->edge_capacity, sizeof *v->edges);
  v->edges = edges;
  if (number == 0 || !room) return false;
  v->edges[v->edge_count++] = number - 1;
  v->candidates[number - 1].counted++;
  return true;
}

bool rt_cycle_visit_object(rt_cycle_visitor *v, rt_shared *shared) {
  if (v->again || v->failed) return false;
  v->failed = v->leaves-- == 0 || (shared->kind->content && !add_edge(v, shared));
  return !v->failed;
}

/* (Acquire: what another thread did with the message before it dropped it is seen by this one, and
** so is the reference that it took.) */
bool rt_cycle_visit_message(rt_cycle_visitor *v, rt_message *message) {
  if (v->again || v->failed) return false;
  v->failed = v->leaves-- == 0;
  if (v->failed || message == NULL || rt_load_acquire(&message->holders) > 1) return !v->failed;
  for (uint32_t i = 0; i < message->count && !v->failed; i++)
    rt_cycle_visit_object(v, rt_message_shared(message)[i]);
  return !v->failed;
}

/* --- the passes ------------------------------------------------------------------------------- */
/* (The array of candidates may move during a visit.) */
static void first_pass(rt_cycle_visitor *v) {
  for (uint32_t i = 0; i < v->count && !v->failed; i++) {
    rt_shared *object = v->candidates[i].object;
    v->candidates[i].edges = v->edge_count;
    uint64_t changes = object->kind->content->visit(object, v);
    v->candidates[i].changes = changes;
  }
}

static uint32_t end_of_edges(const rt_cycle_visitor *v, uint32_t i) {
  return i + 1 < v->count ? v->candidates[i + 1].edges : v->edge_count;
}

/* Marks what is alive. One reference to each candidate is the collector's own. */
static void mark_alive(rt_cycle_visitor *v) {
  uint32_t todo[CANDIDATES_MAX], n = 0;
  for (uint32_t i = 0; i < v->count; i++) {
    candidate *c = &v->candidates[i];
    c->alive = (uint32_t)rt_load(&c->object->holders) != c->counted + 1;
    if (c->alive) todo[n++] = i;
  }
  while (n > 0) {
    uint32_t i = todo[--n];
    for (uint32_t e = v->candidates[i].edges; e < end_of_edges(v, i); e++) {
      candidate *c = &v->candidates[v->edges[e]];
      if (!c->alive) todo[n++] = v->edges[e];
      c->alive = true;
    }
  }
}

/* False: links were taken out of the garbage meanwhile. */
static bool second_pass(rt_cycle_visitor *v) {
  v->again = true;
  for (uint32_t i = 0; i < v->count; i++) {
    const candidate *c = &v->candidates[i];
    if (!c->alive && c->object->kind->content->visit(c->object, v) != c->changes) return false;
  }
  return true;
}

/* True: the first candidate is garbage. (If it is alive, all are, since all are reached from
** it.) */
static bool find_garbage(rt_cycle_visitor *v) {
  first_pass(v);
  if (v->failed || v->candidates[0].counted == 0) return false;
  mark_alive(v);
  return !v->candidates[0].alive && second_pass(v);
}

/* --- freeing ---------------------------------------------------------------------------------- */
/* Drops the collector's references to what is alive, or to the garbage. Puts objects that have no
** reference any more in front of the list. */
static rt_shared *drop_candidates(rt_cycle_visitor *v, bool alive, rt_shared *to_free) {
  for (uint32_t i = 0; i < v->count; i++) {
    rt_shared *object = v->candidates[i].object;
    if (v->candidates[i].alive != alive || (uint32_t)rt_sub(&object->holders, 1) != 1) continue;
    object->next = to_free;
    to_free = object;
  }
  return to_free;
}

/* The garbage that this thread is emptying. */
static _Thread_local const rt_cycle_visitor *emptied;

static bool is_emptied(const rt_shared *shared) {
  const rt_ptr_map_entry *e = emptied ? rt_ptr_map_find(&emptied->numbers, shared) : NULL;
  return e != NULL && e->value != 0 && !emptied->candidates[e->value - 1].alive;
}

/* What the garbage holds besides may be freed by that, or may be garbage itself from now on. */
static void empty_garbage(rt_cycle_visitor *v) {
  const rt_cycle_visitor *outer = emptied;
  emptied = v;
  for (uint32_t i = 0; i < v->count; i++) {
    const candidate *c = &v->candidates[i];
    if (!c->alive) c->object->kind->content->empty(c->object);
  }
  emptied = outer;
}

static void free_all(rt_shared *to_free) {
  for (rt_shared *next; to_free != NULL; to_free = next) {
    next = to_free->next;
    rt_shared_free(to_free);
  }
}

/* One thread at a time: the references of another one to its candidates would keep these alive. */
static rt_lock collecting = RT_LOCK_INIT;

/* The reference of a handle is a plain one from now on. */
static void forget_handle(rt_atomic(uint64_t) * word) {
  rt_sub(word, RT_SHARED_HANDLE - RT_SHARED_REF);
}

/* Looks at the object, and drops the reference to it. In a child of fork, where the threads that
** held the locks do not exist, the reference stays. */
static void drop_and_look(rt_shared *shared, uint64_t what) {
  rt_cycle_visitor v = {.leaves = LEAVES_MAX};
  if (rt_fork_is_child()) return;
  rt_lock_take(&collecting);
  if (what == RT_SHARED_HANDLE) forget_handle(&shared->holders);
  bool seen = candidate_number(&v, shared) != 0, found = seen && find_garbage(&v);
  for (uint32_t i = 0; i < v.count && !found; i++) v.candidates[i].alive = true;
  rt_shared *to_free = drop_candidates(&v, true, NULL);
  bool last = !seen && (uint32_t)rt_sub(&shared->holders, 1) == 1;
  rt_lock_give(&collecting);
  if (found) empty_garbage(&v);
  to_free = drop_candidates(&v, false, to_free);
  rt_ptr_map_close(&v.numbers);
  rt_free(v.candidates);
  rt_free(v.edges);
  free_all(to_free);
  if (last) rt_shared_free(shared);
}

static bool has_handle(uint64_t holders) { return (holders & (RT_SHARED_LINK - 1)) >> 32 != 0; }

void rt_cycle_drop(rt_shared *shared, uint64_t what) {
  uint64_t before = rt_load(&shared->holders);
  do {
    if ((uint32_t)before == 1 || is_emptied(shared)) {
      if ((uint32_t)rt_sub(&shared->holders, what) == 1) rt_shared_free(shared);
      return;
    }
    if (!has_handle(before - what) && shared->kind->content->has_links(shared)) {
      drop_and_look(shared, what);
      return;
    }
  } while (!rt_cas(&shared->holders, &before, before - what));
}
