/* spec/ground/ready.c - task/ready.c: shares of tasks that compute, and priorities. */
#include "check.h"
#include "task/ready.h"

enum { TASKS = 4, SHARE = 5, LONG = 1000 };

static rt_ready ready;
static rt_task tasks[TASKS];
static uint64_t had[TASKS];

static void init(void) {
  rt_ready_init(&ready);
  for (int i = 0; i < TASKS; i++) {
    rt_task_init(&tasks[i], (uint64_t)i + 1);
    had[i] = 0;
  }
}

static int number_of(const rt_task *t) { return (int)(t - tasks); }

/* The next task that computes has a slice, and is switched: 'even' ms for a task with an even
** number, 'odd' ms for the others. Returns its number. */
static int run_slice(uint64_t even, uint64_t odd) {
  rt_task *t = rt_ready_take_computing(&ready, SHARE * RT_MILLISECOND);
  int number = number_of(t);
  uint64_t ms = number % 2 == 0 ? even : odd;
  had[number] += ms;
  uint64_t owed = rt_ready_owed(t->owed, ms * RT_MILLISECOND, SHARE * RT_MILLISECOND);
  rt_ready_add_computing(&ready, t, owed);
  return number;
}

static double smallest_share(void) {
  uint64_t least = UINT64_MAX, most = 0;
  for (int i = 0; i < TASKS; i++) {
    if (had[i] < least) least = had[i];
    if (had[i] > most) most = had[i];
  }
  return (double)least / (double)most;
}

static void check_uneven_slices(void) {
  init();
  for (int i = 0; i < TASKS; i++) rt_ready_add_computing(&ready, &tasks[i], 0);
  for (int i = 0; i < LONG; i++) run_slice(12, 8);
  check("a task that always gets long slices gets fewer of them", smallest_share() > 0.98);
}

static void check_turns(void) {
  init();
  for (int i = 0; i < TASKS; i++) rt_ready_add_computing(&ready, &tasks[i], 0);
  bool in_turn = true;
  for (int i = 0; i < LONG; i++) in_turn = run_slice(SHARE, SHARE) == i % TASKS && in_turn;
  check("tasks that compute take turns", in_turn && smallest_share() == 1);
  uint64_t owed = rt_ready_owed(0, 1000 * RT_SECOND, SHARE * RT_MILLISECOND);
  check("a very long slice does not keep a task from running for long", owed < RT_SECOND);
}

/* Task 0 is of high priority, task 1 of idle priority. */
static void check_priorities(void) {
  init();
  rt_ready_prioritize(&ready, &tasks[0], RT_HIGH);
  rt_ready_prioritize(&ready, &tasks[1], RT_IDLE);
  for (int i = TASKS - 1; i > 0; i--) rt_ready_add(&ready, &tasks[i]);
  rt_ready_add(&ready, &tasks[0]);
  rt_ready_sort(&ready);
  rt_ready_flip(&ready);
  bool sorted = rt_ready_take(&ready) == &tasks[0] && rt_ready_take(&ready) == &tasks[3] &&
                rt_ready_take(&ready) == &tasks[2] && rt_ready_take(&ready) == NULL;
  check("a turn begins with the tasks of high priority, and has none of idle priority", sorted);
  check("... which alone leaves a worker free, and not idle",
        rt_ready_is_free(&ready) && !rt_ready_is_idle(&ready));
  rt_task *idle = rt_ready_take_idle(&ready);
  check("... and is taken by itself", idle == &tasks[1] && rt_ready_is_idle(&ready));
  rt_ready_add_computing(&ready, &tasks[0], 0);
  rt_ready_add_computing(&ready, &tasks[2], 0);
  for (int i = 0; i < LONG; i++) run_slice(SHARE, SHARE);
  check("of high and normal priority, both of which compute, high gets four of five slices",
        had[0] == 4 * had[2]);
}

int main(void) {
  check_begin(60);
  check_turns();
  check_uneven_slices();
  check_priorities();
  return check_end();
}
