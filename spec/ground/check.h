/* spec/ground/check.h - what a ground test needs: it prints a line for each check, and returns an
** exit code.
**
** A check is a sentence about behaviour. It prints "ok SENTENCE" or "not ok SENTENCE". Random
** numbers come from RT_SEED, or else from a seed that is printed. A test that hangs is killed.
** Upper bounds of time are multiplied by check_slow().
*/
#ifndef RT_CHECK_H
#define RT_CHECK_H

#include "base/base.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* How often to do something: less often with the sanitizers, which make the test slower. */
#define MANY(n) (RT_DEBUG ? (n) / 10 : (n))

/* How often to try a check of time, which fails if the machine is busy for a moment. */
enum { ATTEMPTS = 5 };

static int check_failed;
static rt_random check_random;

static inline void check(const char *sentence, bool holds) {
  printf("%s %s\n", holds ? "ok" : "not ok", sentence);
  fflush(stdout);
  if (!holds) check_failed++;
}

/* Ends the test if this step, on which the rest depends, has failed. */
static inline void must(const char *sentence, bool holds) {
  if (holds) return;
  check(sentence, false);
  exit(EXIT_FAILURE);
}

/* How many times slower everything is here than on an idle machine (RT_SLOW, from the runner). */
static inline uint64_t check_slow(void) {
  const char *text = getenv("RT_SLOW");
  long slow = text ? strtol(text, NULL, 10) : 1;
  return slow > 1 ? (uint64_t)slow : 1;
}

/* A deadline that only catches what hangs: load may begin while a test runs. */
static inline uint64_t check_deadline(uint64_t seconds) {
  return rt_clock() + 3 * check_slow() * seconds * RT_SECOND;
}

static inline void check_begin(unsigned seconds) {
  alarm(3 * (unsigned)check_slow() * seconds);
  check_random.state = rt_random_seed();
  printf("# RT_SEED=%llu\n", (unsigned long long)check_random.state);
}

static inline int check_end(void) { return check_failed ? EXIT_FAILURE : EXIT_SUCCESS; }

/* A random number from 0 to n - 1. */
static inline uint64_t below(uint64_t n) { return rt_random_next(&check_random) % n; }
static inline bool one_in(uint64_t n) { return below(n) == 0; }

static inline int count_descriptors(void) {
  int n = 0;
  for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

#endif
