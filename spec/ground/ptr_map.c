/* spec/ground/ptr_map.c - base/ptr_map.c: numbers for addresses, checked against a plain array. */
#include "base/ptr_map.h"
#include "check.h"

enum { OBJECTS = 20000 };

static uint32_t numbers[OBJECTS];
static char objects[OBJECTS * 16];

static bool fill_randomly(rt_ptr_map *m, uint32_t times) {
  uint32_t last = 0;
  memset(numbers, 0, sizeof numbers);
  for (uint32_t i = 0; i < times; i++) {
    uint32_t which = (uint32_t)below(OBJECTS);
    rt_ptr_map_entry *e = rt_ptr_map_at(m, objects + which * 16);
    if (e == NULL || e->value != numbers[which]) return false;
    if (e->value == 0) e->value = numbers[which] = ++last;
  }
  return true;
}

int main(void) {
  rt_ptr_map m = {0};
  bool ok = true;
  check_begin(60);
  check("an object has the number that it was given", fill_randomly(&m, 100));
  rt_ptr_map_clear(&m);
  check("... and none after all were forgotten", rt_ptr_map_at(&m, objects)->value == 0);
  for (int i = 0; ok && i < MANY(500); i++) {
    rt_ptr_map_clear(&m);
    ok = fill_randomly(&m, (uint32_t)below(i % 10 == 0 ? OBJECTS : 50));
  }
  check("... however many there were", ok);
  check("what is kept does not stay large", (rt_ptr_map_clear(&m), m.size <= 4096));
  m.generation = (1 << 24) - 2;
  for (int i = 0; ok && i < 5; i++) {
    rt_ptr_map_clear(&m);
    ok = m.generation > 0 && fill_randomly(&m, 100);
  }
  check("rounds may come again", ok);
  rt_ptr_map_close(&m);
  return check_end();
}
