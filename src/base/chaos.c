/* base/chaos.c - faults and delays at random, in debug builds.
**
** RT_CHAOS=steal,preempt,short-io,alloc,delay names the faults. RT_SEED=n repeats a run. Without
** RT_SEED the seed is random and is written to stderr; with it nothing is written, so that a
** program prints what it prints without chaos.
*/
#include "base/base.h"

#if RT_DEBUG

#include <stdio.h>
#include <unistd.h>

static const char *const chaos_names[] = {"steal", "preempt", "short-io", "alloc", "delay"};
static struct {
  pthread_once_t once;
  unsigned enabled; /* one bit for each rt_chaos */
  uint64_t seed;
  rt_atomic(uint64_t) threads; /* how many threads have drawn a seed of their own */
} chaos = {.once = PTHREAD_ONCE_INIT};

static _Thread_local rt_random chaos_random;

/* Returns the bit of a word; 0: it is none of the names. */
static unsigned chaos_of(const char *word, size_t len) {
  for (size_t i = 0; i < rt_countof(chaos_names); i++)
    if (strlen(chaos_names[i]) == len && memcmp(word, chaos_names[i], len) == 0) return 1u << i;
  return 0;
}

static void chaos_init(void) {
  const char *spec = getenv("RT_CHAOS");
  if (spec == NULL) return;
  for (const char *word = spec;; word++) {
    size_t len = strcspn(word, ",");
    unsigned bit = chaos_of(word, len);
    if (bit == 0 && len > 0)
      fprintf(stderr, "rt: RT_CHAOS: '%.*s' is none of steal, preempt, short-io, alloc, delay\n",
              (int)len, word);
    chaos.enabled |= bit;
    word += len;
    if (*word == '\0') break;
  }
  chaos.seed = rt_random_seed();
  if (getenv("RT_SEED") == NULL)
    fprintf(stderr, "rt: chaos %s, replay with RT_SEED=%llu\n", spec,
            (unsigned long long)chaos.seed);
}

bool rt_chaos_is_due(rt_chaos what) {
  static const unsigned one_in[] = {2, 3, 3, 200, 8};
  pthread_once(&chaos.once, chaos_init);
  if (rt_likely((chaos.enabled & (1u << what)) == 0)) return false;
  if (chaos_random.state == 0) chaos_random.state = chaos.seed + rt_add(&chaos.threads, 1);
  return rt_random_next(&chaos_random) % one_in[what] == 0;
}

/* Most delays are about as long as it takes to wake a thread; one in 16 is much longer. */
void rt_chaos_delay(void) {
  if (!rt_chaos_is_due(RT_CHAOS_DELAY)) return;
  uint64_t r = rt_random_next(&chaos_random);
  usleep(r % 16 == 0 ? 5000 : (useconds_t)(r >> 32 & 127));
}

#endif
