/* host/own_files.h - rt-lua finds rt's own modules whatever package.path is.
**
** A searcher of require, the last one, finds rt and what begins with "rt." in the folder in which
** rt-lua was built or installed. So package.path and package.cpath are what LUA_PATH and LUA_CPATH
** say, as in lua, and require "rt" works with any of them. Worker's thread.
*/
#ifndef RT_HOST_OWN_FILES_H
#define RT_HOST_OWN_FILES_H

#include "worker/worker.h"

/* The key of what the worker keeps: the folder that has rt/init.lua, a string; nil in a stock
** interpreter. */
extern const char rt_own_files_key[];

/* Pops the folder, and adds the searcher; nil: adds none. */
void rtL_own_files_open(lua_State *L, rt_worker *w);

#endif
