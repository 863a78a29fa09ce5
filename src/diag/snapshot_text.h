/* diag/snapshot_text.h - the answers of a survey, in words for people:
**
**   worker 1: parked; tasks: 1
**     task 3 (reader), waiting for receive for 1.2 s, spawned at x.lua:4
*/
#ifndef RT_TELL_H
#define RT_TELL_H

#include "diag/snapshot.h"

void rt_survey_tell(rt_buf *to, const rt_survey *s);

#endif
