/* base/random.c - random numbers: splitmix64, which has one word of state. */
#include "base/base.h"

#include <sys/random.h>

/* | 1: a state of 0 means "has no seed yet" wherever an rt_random is a static variable. */
uint64_t rt_random_seed(void) {
  const char *fixed = getenv("RT_SEED");
  uint64_t seed = 0;
  if (fixed) seed = strtoull(fixed, NULL, 0);
  if (seed == 0 && getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
    seed = rt_clock() * 0x9e3779b97f4a7c15ull;
  return seed | 1;
}

uint64_t rt_random_next(rt_random *r) {
  uint64_t z = (r->state += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
