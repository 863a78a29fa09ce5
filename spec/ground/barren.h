/* spec/ground/barren.h - checks that a driver has nothing left, as it must be when a test is
** over. */
#ifndef RT_BARREN_H
#define RT_BARREN_H

#include "event/driver.h"

/* Has the driver no timer and no handle? */
static inline bool is_barren(rt_driver *d) {
  return rt_wheel_next(&d->wheel) == RT_NEVER && rt_list_is_empty(&d->uv_handles);
}

#endif
