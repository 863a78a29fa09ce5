/* base/cpu_count.h - how many CPUs this process may use, by its affinity and its cgroup's quota. */
#ifndef RT_BASE_CPU_COUNT_H
#define RT_BASE_CPU_COUNT_H

#include "base/base.h"

int rt_cpu_count(void); /* at least 1 */

#endif
