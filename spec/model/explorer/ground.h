/* ground.h - what is behind base.h and libuv in the model build, as the explorer needs it. */
#ifndef RT_GROUND_H
#define RT_GROUND_H

#include "explore.h"

/* A wait timed out: time has passed until then, at least. */
void ground_pass_time(uint64_t until);

#endif
