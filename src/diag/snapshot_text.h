/* diag/snapshot_text.h - a snapshot as the text of a dump:
**
**   pool 1: parked; tasks: 1
**     task 3 (reader), waiting for receive for 1.2 s, spawned at x.lua:4
*/
#ifndef RT_DIAG_SNAPSHOT_TEXT_H
#define RT_DIAG_SNAPSHOT_TEXT_H

#include "diag/snapshot.h"

/* The thread that made the snapshot, after rt_snapshot_wait. If memory runs out the text is cut. */
void rt_snapshot_text_format(rt_buf *to, const rt_snapshot *s);

#endif
