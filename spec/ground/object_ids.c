/* pack/object_ids.c - numbers for addresses, against a plain array. */
#include "pack/object_ids.h"

#include "check.h"

enum { OBJECTS = 20000 };

static uint32_t numbers[OBJECTS];
static char objects[OBJECTS * 16];

static bool try_round(rt_object_ids *m, uint32_t times) {
  uint32_t last = 0;
  memset(numbers, 0, sizeof numbers);
  for (uint32_t i = 0; i < times; i++) {
    uint32_t which = (uint32_t)below(OBJECTS);
    rt_object_id *mark = rt_object_ids_at(m, objects + which * 16);
    if (mark == NULL || mark->number != numbers[which]) return false;
    if (mark->number == 0) mark->number = numbers[which] = ++last;
  }
  return true;
}

int main(void) {
  rt_object_ids m = {0};
  bool ok = true;
  check_begin(60);
  check("an object has the number that it was given", try_round(&m, 100));
  rt_object_ids_clear(&m);
  check("... and none after all were forgotten", rt_object_ids_at(&m, objects)->number == 0);
  for (int i = 0; ok && i < MANY(500); i++) {
    rt_object_ids_clear(&m);
    ok = try_round(&m, (uint32_t)below(i % 10 == 0 ? OBJECTS : 50));
  }
  check("... however many there were", ok);
  check("what is kept does not stay large", (rt_object_ids_clear(&m), m.size <= 4096));
  m.round = (1 << 24) - 2;
  for (int i = 0; ok && i < 5; i++) {
    rt_object_ids_clear(&m);
    ok = m.round > 0 && try_round(&m, 100);
  }
  check("rounds may come again", ok);
  rt_object_ids_close(&m);
  return check_end();
}
