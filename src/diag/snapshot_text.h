/* diag/snapshot_text.h - the answers of a snapshot, in words for people:
**
**   worker 1: parked; tasks: 1
**     task 3 (reader), waiting for receive for 1.2 s, spawned at x.lua:4
*/
#ifndef RT_DIAG_SNAPSHOT_TEXT_H
#define RT_DIAG_SNAPSHOT_TEXT_H

#include "diag/snapshot.h"

void rt_snapshot_format(rt_buf *to, const rt_snapshot *s);

#endif
