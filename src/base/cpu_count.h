/* base/cpu_count.h - how many cores this process may use: by its affinity and its cgroup's quota. */
#ifndef RT_CORES_H
#define RT_CORES_H

#include "base/base.h"

int rt_cores(void); /* at least 1 */

#endif
