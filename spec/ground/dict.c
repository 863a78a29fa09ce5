/* spec/ground/dict.c - a dict against a plain array, at its bounds, under threads, and without
** memory. */
#include "check.h"
#include "dict/dict.h"

static const rt_shared_kind kind = {"dict", rt_dict_free, -1, NULL};
static const rt_dict_bounds unbounded = {RT_DICT_UNBOUNDED, RT_DICT_UNBOUNDED, false};

static rt_dict *new_dict(const rt_dict_bounds *bounds) {
  rt_dict *d = rt_dict_new(&kind, bounds);
  must("there is memory", d != NULL);
  return d;
}

static void drop(rt_dict *d) { rt_shared_drop(&d->shared); }

/* Keys of 1 to 13 bytes: most lengths are no multiple of a word. */
static rt_dict_key key_of(char *buffer, unsigned n) {
  return (rt_dict_key){buffer, (uint32_t)snprintf(buffer, 32, "%0*u", 1 + (int)n % 13, n), 0};
}

static rt_value integer(int64_t i) { return (rt_value){.integer = i, .type = RT_VALUE_INTEGER}; }

static rt_dict_result put(rt_dict *d, unsigned n, const rt_value *v, rt_dict_condition condition,
                          uint64_t expires) {
  char buffer[32];
  rt_dict_key key = key_of(buffer, n);
  return rt_dict_apply(d, &key,
                       &(rt_dict_put){.condition = condition, .value = v, .expires = expires});
}

static rt_dict_result put_integer(rt_dict *d, unsigned n, int64_t i) {
  rt_value v = integer(i);
  return put(d, n, &v, RT_DICT_UNCONDITIONAL, RT_DICT_NO_EXPIRY);
}

static bool delete (rt_dict *d, unsigned n) {
  rt_value none = {.type = RT_VALUE_NONE};
  return put(d, n, &none, RT_DICT_IF_PRESENT, 0) == RT_DICT_DONE;
}

static rt_value get(rt_dict *d, unsigned n) {
  char buffer[32];
  rt_value v;
  rt_dict_key key = key_of(buffer, n);
  rt_dict_get(d, &key, &v);
  return v;
}

static bool is(rt_dict *d, unsigned n, int64_t i) {
  rt_value v = get(d, n), wanted = integer(i);
  bool equal = rt_value_equals(&v, &wanted);
  rt_value_drop(&v);
  return equal;
}

static size_t count_keys(rt_dict *d) {
  static char buffer[1 << 20];
  size_t n = 0;
  for (uint32_t i = 0; i < d->shard_count; i++) {
    size_t size = rt_dict_keys(d, i, buffer, sizeof buffer);
    must("the keys fit", size <= sizeof buffer);
    rt_dict_key key;
    for (const char *at = buffer; at < buffer + size; n++) at = rt_shard_key_at(at, &key);
  }
  return n;
}

/* --- one thread: what a plain array says ------------------------------------------------------ */
enum { KEYS = 500 };

static void check_model(void) {
  static int64_t model[KEYS];
  rt_dict *d = new_dict(&unbounded);
  bool good = true;
  size_t count = 0;
  memset(model, 0, sizeof model);
  for (int i = 0; good && i < MANY(500000); i++) {
    unsigned n = (unsigned)below(KEYS);
    int64_t v = (int64_t)below(1000) + 1;
    rt_value value = integer(v), now;
    char buffer[32];
    rt_dict_key key = key_of(buffer, n);
    switch (below(5)) {
      case 0:
        good = put(d, n, &value, RT_DICT_UNCONDITIONAL,
                   one_in(2) ? RT_DICT_NO_EXPIRY : rt_clock() << 1) == RT_DICT_DONE;
        model[n] = v;
        break;
      case 1:
        good = (put(d, n, &value, RT_DICT_IF_ABSENT, 0) == RT_DICT_DONE) == (model[n] == 0);
        if (model[n] == 0) model[n] = v;
        break;
      case 2:
        good = delete (d, n) == (model[n] != 0);
        model[n] = 0;
        break;
      case 3: {
        rt_value zero = integer(0);
        model[n] += v;
        good =
            rt_dict_incr(d, &key, &value, &zero, &now) == RT_DICT_DONE && now.integer == model[n];
        break;
      }
      default: {
        value = get(d, n);
        good = model[n] ? value.integer == model[n] : value.type == RT_VALUE_NONE;
      }
    }
    if (one_in(20000)) {
      rt_dict_clear(d);
      memset(model, 0, sizeof model);
      good = good && rt_load(&d->quota.bytes) == 0 && rt_load(&d->quota.expiring) == 0;
    }
  }
  for (int n = 0; n < KEYS; n++) count += model[n] != 0;
  check("a dict is what a plain array says", good);
  check("it knows how many there are, and all keys once",
        rt_dict_count(d) == count && count_keys(d) == count);
  for (unsigned n = 0; n < KEYS; n++) delete (d, n);
  check("when it is empty nothing is counted", rt_load(&d->quota.entries) == 0 &&
                                                   rt_load(&d->quota.bytes) == 0 &&
                                                   rt_load(&d->quota.expiring) == 0);
  drop(d);
}

/* --- expiry ----------------------------------------------------------------------------------- */
static void check_expiry(void) {
  rt_dict *d = new_dict(&unbounded);
  rt_value v = integer(1);
  uint64_t now = rt_clock(), soon = now + 20 * RT_MILLISECOND;
  for (unsigned n = 0; n < 200; n++)
    put(d, n, &v, RT_DICT_UNCONDITIONAL,
        n % 2 ? now + 1000 * RT_SECOND + below(1000) : soon - below(1000));
  bool before = rt_clock() >= soon - 1000 || rt_dict_count(d) == 200;
  while (rt_clock() < soon) usleep(1000);
  bool gone = true;
  for (unsigned n = 0; n < 20; n++)
    gone = gone && get(d, n).type == (n % 2 ? RT_VALUE_INTEGER : RT_VALUE_NONE);
  check("an entry is there until it expires, and not from then on", before && gone);
  check("keys leaves out those that have expired", count_keys(d) == 100);
  check("counting removes them", rt_dict_count(d) == 100 && rt_load(&d->quota.expiring) == 100);
  put(d, 0, &v, RT_DICT_IF_ABSENT, rt_clock());
  check("expired at once is never there", get(d, 0).type == RT_VALUE_NONE);
  drop(d);
}

/* --- bounds ----------------------------------------------------------------------------------- */
static void check_bounds(void) {
  rt_value v = integer(1), text;
  rt_dict *d = new_dict(&(rt_dict_bounds){100, RT_DICT_UNBOUNDED, false});
  for (unsigned n = 0; n < 100; n++) put_integer(d, n, n);
  check("a full dict takes nothing new, but changes",
        put_integer(d, 100, 1) == RT_DICT_FULL && put_integer(d, 5, 6) == RT_DICT_DONE);
  put(d, 7, &v, RT_DICT_UNCONDITIONAL, rt_clock());
  check("what has expired makes room", put_integer(d, 100, 1) == RT_DICT_DONE);
  drop(d);

  d = new_dict(&(rt_dict_bounds){4, RT_DICT_UNBOUNDED, true});
  for (unsigned n = 0; n < 4; n++) put_integer(d, n, n);
  get(d, 0);
  put_integer(d, 4, 4);
  check("what was not used for the longest time is evicted",
        is(d, 0, 0) && !is(d, 1, 1) && is(d, 2, 2) && is(d, 4, 4) && rt_dict_count(d) == 4);
  drop(d);

  d = new_dict(&(rt_dict_bounds){RT_DICT_UNBOUNDED, 10000, true});
  static char big[20000];
  bool within = true;
  for (unsigned n = 0; n < 1000; n++) {
    must("there is memory", rt_value_from_string(&text, big, below(5000)) == 0);
    within = within && put(d, (unsigned)below(50), &text, RT_DICT_UNCONDITIONAL, 0) == RT_DICT_DONE;
    rt_value_drop(&text);
    within = within && rt_load(&d->quota.bytes) <= 10000;
  }
  check("bytes stay within their bound", within && rt_dict_count(d) > 0);
  must("there is memory", rt_value_from_string(&text, big, sizeof big) == 0);
  check("what is too large evicts nothing",
        put(d, 1, &text, RT_DICT_UNCONDITIONAL, 0) == RT_DICT_FULL && rt_dict_count(d) > 0);
  rt_value_drop(&text);
  drop(d);
}

/* --- threads ---------------------------------------------------------------------------------- */
enum { THREADS = 4 };

static struct {
  rt_dict *d;
  rt_atomic(int) next, wrong;
  rt_atomic(int64_t) added;
} all;

static void hammer(void *arg) {
  rt_random r = {check_random.state + (uint64_t)(rt_add(&all.next, 1) + 1) * 7919};
  rt_dict *d = arg;
  for (int i = 0; i < MANY(200000); i++) {
    uint64_t chance = rt_random_next(&r);
    unsigned n = (unsigned)(chance >> 8) % 64;
    char buffer[32], text[64];
    rt_dict_key key = key_of(buffer, n);
    rt_value v, one = integer(1), zero = integer(0);
    switch (chance % 8) {
      case 0: /* a long string whose bytes are those of its key */
        memset(text, 'a' + (int)n % 26, sizeof text);
        if (rt_value_from_string(&v, text, sizeof text) != 0) break;
        put(d, n, &v, RT_DICT_UNCONDITIONAL,
            chance & 1024 ? RT_DICT_NO_EXPIRY : rt_clock() + chance % 100000);
        rt_value_drop(&v);
        break;
      case 1: delete (d, n); break;
      case 2: rt_dict_count(d); break;
      case 3:
        if (chance % 1000 == 3) rt_dict_clear(d);
        break;
      case 4:
        key.type = 1;
        if (rt_dict_incr(d, &key, &one, &zero, &v) == RT_DICT_DONE) break;
        rt_add(&all.wrong, 1);
        break;
      case 5: rt_dict_expire(d, &key, rt_clock() + chance % 1000000); break;
      default:
        v = get(d, n);
        if (v.type == RT_VALUE_BLOCK)
          for (size_t k = 0; k < v.block->len; k++)
            if (v.block->bytes[k] != 'a' + (int)n % 26) rt_add(&all.wrong, 1);
        rt_value_drop(&v);
    }
  }
}

static void count_up(void *arg) {
  char buffer[32];
  rt_dict *d = arg;
  rt_value one = integer(1), zero = integer(0), v;
  for (int i = 0; i < MANY(200000); i++) {
    rt_dict_key key = key_of(buffer, (unsigned)i % 3);
    rt_dict_incr(d, &key, &one, &zero, &v);
  }
}

/* By version: read, add one, and put it back unless another thread was faster. */
static void swap_up(void *arg) {
  char buffer[32];
  rt_dict *d = arg;
  rt_dict_key key = key_of(buffer, 9);
  for (int i = 0; i < MANY(50000); i++) {
    rt_dict_result answer;
    do {
      rt_value v;
      uint64_t version = rt_dict_get(d, &key, &v);
      rt_value next = integer(v.type == RT_VALUE_NONE ? 1 : v.integer + 1);
      answer = rt_dict_apply(
          d, &key,
          &(rt_dict_put){.condition = RT_DICT_IF_VERSION, .value = &next, .version = version});
    } while (answer == RT_DICT_UNMET);
  }
}

static void run_threads(void (*f)(void *), rt_dict *d) {
  rt_thread threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    must("there are threads", rt_thread_start(&threads[i], 1 << 20, f, d) == 0);
  for (int i = 0; i < THREADS; i++) rt_thread_join(threads[i]);
}

static void check_threads(void) {
  rt_dict *d = new_dict(&unbounded);
  run_threads(count_up, d);
  int64_t each = MANY(200000);
  check("no increment is lost", is(d, 0, THREADS * ((each + 2) / 3)) &&
                                    is(d, 1, THREADS * ((each + 1) / 3)) &&
                                    is(d, 2, THREADS * (each / 3)));
  run_threads(swap_up, d);
  check("no change by version is lost", is(d, 9, THREADS * (int64_t)MANY(50000)));
  drop(d);
  const rt_dict_bounds bounds[] = {unbounded, {40, RT_DICT_UNBOUNDED, true}, {4096, 8192, true}};
  for (size_t i = 0; i < rt_countof(bounds); i++) {
    d = new_dict(&bounds[i]);
    run_threads(hammer, d);
    rt_dict_clear(d);
    check("threads find whole values, and leave nothing behind",
          rt_load(&all.wrong) == 0 && rt_load(&d->quota.entries) == 0 &&
              rt_load(&d->quota.bytes) == 0 && rt_load(&d->quota.expiring) == 0);
    drop(d);
  }
}

/* --- no memory -------------------------------------------------------------------------------- */
#if RT_DEBUG
static bool use(void) {
  rt_value v, zero = integer(0), one = integer(1), now;
  rt_dict *d = rt_dict_new(&kind, &unbounded);
  char buffer[32], text[100] = {0};
  bool good = true;
  if (d == NULL) return true;
  for (unsigned n = 0; n < 40; n++) {
    if (rt_value_from_string(&v, text, n) != 0) continue;
    rt_dict_result answer = put(d, n, &v, RT_DICT_UNCONDITIONAL,
                                n % 2 ? RT_DICT_NO_EXPIRY : rt_clock() + 1000 * RT_SECOND);
    rt_value got = get(d, n);
    good = good && (answer == RT_DICT_DONE ? rt_value_equals(&got, &v) : got.type == RT_VALUE_NONE);
    rt_value_drop(&got);
    rt_value_drop(&v);
    rt_dict_key key = key_of(buffer, n);
    rt_dict_expire(d, &key, rt_clock() + RT_SECOND * 1000);
    key.type = 1;
    rt_dict_incr(d, &key, &one, &zero, &now);
  }
  for (unsigned n = 0; n < 40; n += 3) delete (d, n);
  good = good && rt_dict_count(d) == count_keys(d);
  drop(d);
  return good;
}

static void check_shortage(void) {
  bool good = true, struck = true;
  long blocks = rt_alloc_blocks();
  for (long width = 1; width <= 1000; width *= 1000) {
    struck = true;
    for (long n = 1; struck; n++) {
      rt_alloc_fail(n, width);
      good = use() && good;
      struck = rt_alloc_count() >= n;
      rt_alloc_fail(0, 0);
    }
  }
  check("without memory nothing is put in, and what is there stays",
        good && rt_alloc_blocks() == blocks);
}
#else
static void check_shortage(void) {}
#endif

/* --- buckets ---------------------------------------------------------------------------------- */
static size_t longest_chain(const rt_shard *s) {
  size_t longest = 0;
  for (size_t i = 0; i < s->size; i++) {
    size_t n = 0;
    for (const rt_shard_entry *e = s->buckets[i]; e != NULL; e = e->next) n++;
    if (n > longest) longest = n;
  }
  return longest;
}

/* A shard has as many buckets as entries, or more. With a good hash function, the longest of a
** million chains of random lengths around 1 has some 10 entries. */
static void check_buckets(void) {
  rt_dict *d = new_dict(&unbounded);
  size_t longest = 0;
  for (unsigned n = 0; n < 50000; n++) put_integer(d, n, 1);
  for (uint32_t i = 0; i < d->shard_count; i++) {
    size_t n = longest_chain(&d->shards[i]);
    if (n > longest) longest = n;
  }
  check("the entries are spread over the buckets of their shards", longest <= 20);
  drop(d);
}

int main(void) {
  check_begin(120);
  check_buckets();
  check_model();
  check_expiry();
  check_bounds();
  check_threads();
  check_shortage();
  return check_end();
}
