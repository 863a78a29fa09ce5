/* spec/ground/is_empty.h - checks that a driver has nothing left, as it must be when a test is
** over. */
#ifndef RT_IS_EMPTY_H
#define RT_IS_EMPTY_H

#include "event/driver.h"

/* Has the driver no timer and no handle? */
static inline bool is_empty(rt_driver *d) {
  return rt_wheel_next(&d->wheel) == RT_NEVER && rt_list_is_empty(&d->uv_handles);
}

#endif
