/* event/uv_loop.h - loops of libuv, without the errors for which libuv aborts the process.
**
** libuv calls abort if it cannot open the pipe that all loops of a process share, and if the kernel
** has no memory for a descriptor that is added to the epoll instance of a loop, or the user has
** reached the limit of such descriptors. The functions of this file do the same things before libuv
** does, and return the error. Then libuv finds the descriptor in the epoll instance, and only
** changes for which events it is watched, which needs no memory.
**
** Thread: that of the loop.
*/
#ifndef RT_EVENT_UV_LOOP_H
#define RT_EVENT_UV_LOOP_H

#include <uv.h>

/* Makes a loop and an async handle in it. 0 or UV_E…: then there is neither. */
int rt_uv_loop_init(uv_loop_t *loop, uv_async_t *async, uv_async_cb f);

/* As uv_poll_start. 0 or UV_E…: then the handle is stopped. */
int rt_uv_loop_poll(uv_poll_t *poll, int fd, int events, uv_poll_cb f);

#endif
