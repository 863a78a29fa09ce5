/* spec/faults/fault.c - a library, for LD_PRELOAD, that lets system calls of a program fail.
**
**   RT_FAULT=CALL:ERROR:NTH[:WIDTH]
**     The calls NTH to NTH + WIDTH - 1 of CALL fail with ERROR. NTH = 0: none does. WIDTH = 1 if it
**     is not given; 0: all that follow.
**   RT_FAULT_PAGE=FILE
**     The two counters of this process, 64-bit numbers: the calls of CALL, and those that have
**     failed. They are a shared mapping, so a process that is killed leaves them behind, too.
**
** CALL is the name of a function below. These are the functions of libc that rt and libuv call;
** libc does not use them for its own calls. 'epoll_wait' is also epoll_pwait, 'send' is also
** sendmsg, and 'so_error' is a getsockopt that succeeds and says that the connection has failed.
** ERROR is the name of an errno, or of an error of getaddrinfo, EAI_SYSTEM+EMFILE with the errno.
**
** A call that fails has done nothing, as if the kernel had refused it. There are two exceptions. Of
** epoll_ctl only the addition of a descriptor counts, since only that needs memory, and only if the
** descriptor was not there before, since the kernel looks for that first. And getaddrinfo knows the
** names "host.fault", which is 127.0.0.1, on a machine without a name server, and "slow.fault", for
** which there is no answer within a second.
*/
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define countof(array) (sizeof(array) / sizeof((array)[0]))

typedef struct counters {
  _Atomic uint64_t calls, hits;
} counters;

static counters unshared; /* without RT_FAULT_PAGE */
static struct {
  char call[32];
  int error;        /* an errno; of getaddrinfo: EAI_… */
  int system_error; /* the errno beside EAI_SYSTEM */
  uint64_t nth, width;
  counters *counters;
} fault = {.counters = &unshared};

/* --- the names of errors ---------------------------------------------------------------------- */
static const struct {
  const char *name;
  int number;
} errors[] = {
#define E(name) \
  { #name, name }
    E(EACCES),       E(EADDRINUSE),      E(EADDRNOTAVAIL), E(EAFNOSUPPORT),    E(EAGAIN),
    E(EALREADY),     E(EBADF),           E(ECONNABORTED),  E(ECONNREFUSED),    E(ECONNRESET),
    E(EDESTADDRREQ), E(EEXIST),          E(EFAULT),        E(EHOSTDOWN),       E(EHOSTUNREACH),
    E(EINPROGRESS),  E(EINTR),           E(EINVAL),        E(EISCONN),         E(ELOOP),
    E(EMFILE),       E(EMSGSIZE),        E(ENAMETOOLONG),  E(ENETDOWN),        E(ENETUNREACH),
    E(ENFILE),       E(ENOBUFS),         E(ENODEV),        E(ENOENT),          E(ENOMEM),
    E(ENONET),       E(ENOPROTOOPT),     E(ENOSPC),        E(ENOSR),           E(ENOTCONN),
    E(ENOTDIR),      E(ENOTSOCK),        E(ENOTSUP),       E(EOPNOTSUPP),      E(EOVERFLOW),
    E(EPERM),        E(EPIPE),           E(EPROTO),        E(EPROTONOSUPPORT), E(EPROTOTYPE),
    E(EROFS),        E(ESOCKTNOSUPPORT), E(ETIMEDOUT),     E(ETXTBSY),         E(EAI_ADDRFAMILY),
    E(EAI_AGAIN),    E(EAI_BADFLAGS),    E(EAI_FAIL),      E(EAI_FAMILY),      E(EAI_MEMORY),
    E(EAI_NODATA),   E(EAI_NONAME),      E(EAI_SERVICE),   E(EAI_SOCKTYPE),    E(EAI_SYSTEM),
#undef E
};

static void refuse(const char *what, const char *text) {
  fprintf(stderr, "fault.so: %s: %s\n", what, text);
  _exit(125);
}

static int error_of(const char *name) {
  for (size_t i = 0; i < countof(errors); i++)
    if (strcmp(errors[i].name, name) == 0) return errors[i].number;
  refuse("unknown error", name);
  return 0;
}

/* --- the beginning ---------------------------------------------------------------------------- */
static void parse(const char *text) {
  char error[64] = "";
  unsigned long nth = 0, width = 1;
  if (sscanf(text, "%31[^:]:%63[^:]:%lu:%lu", fault.call, error, &nth, &width) < 3)
    refuse("RT_FAULT is not CALL:ERROR:NTH[:WIDTH]", text);
  char *plus = strchr(error, '+');
  if (plus) *plus = '\0';
  fault.error = error_of(error);
  fault.system_error = plus && strcmp(plus + 1, "0") != 0 ? error_of(plus + 1) : 0;
  fault.nth = nth;
  fault.width = width;
}

/* (By syscall: mmap is one of the functions below.) */
static void open_page(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, sizeof(counters)) != 0) refuse("cannot write", path);
  long page = syscall(SYS_mmap, NULL, sizeof(counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
  if (page == -1) refuse("cannot map", path);
  fault.counters = (counters *)page;
  close(fd);
}

/* Children of the program are not to load this library. */
__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("RT_FAULT"), *page = getenv("RT_FAULT_PAGE");
  if (text) parse(text);
  if (page) open_page(page);
  unsetenv("LD_PRELOAD");
}

/* --- the calls -------------------------------------------------------------------------------- */
static bool is_meant(const char *call) { return strcmp(call, fault.call) == 0; }

/* Counts a call of the function that is meant. True: it has to fail. */
static bool is_due(const char *call) {
  if (!is_meant(call)) return false;
  uint64_t n = atomic_fetch_add(&fault.counters->calls, 1) + 1;
  if (fault.nth == 0 || n < fault.nth) return false;
  if (fault.width > 0 && n >= fault.nth + fault.width) return false;
  atomic_fetch_add(&fault.counters->hits, 1);
  return true;
}

#define REAL(function)                         \
  static _Atomic(__typeof__(&function)) known; \
  __typeof__(&function) real = known;          \
  if (!real) known = real = (__typeof__(&function))dlsym(RTLD_NEXT, #function)

/* A function that returns -1 with an errno. */
#define CALL(type, function, name, failure, parameters, arguments) \
  type function parameters {                                       \
    REAL(function);                                                \
    if (is_due(name)) {                                            \
      errno = fault.error;                                         \
      return failure;                                              \
    }                                                              \
    return real arguments;                                         \
  }

CALL(int, socket, "socket", -1, (int family, int type, int protocol), (family, type, protocol))
CALL(int, bind, "bind", -1, (int fd, const struct sockaddr *at, socklen_t size), (fd, at, size))
CALL(int, listen, "listen", -1, (int fd, int backlog), (fd, backlog))
CALL(int, accept4, "accept4", -1, (int fd, struct sockaddr *at, socklen_t *size, int flags),
     (fd, at, size, flags))
CALL(int, connect, "connect", -1, (int fd, const struct sockaddr *to, socklen_t size),
     (fd, to, size))
CALL(int, setsockopt, "setsockopt", -1,
     (int fd, int level, int option, const void *value, socklen_t size),
     (fd, level, option, value, size))
CALL(int, getsockname, "getsockname", -1, (int fd, struct sockaddr *name, socklen_t *size),
     (fd, name, size))
CALL(int, getpeername, "getpeername", -1, (int fd, struct sockaddr *name, socklen_t *size),
     (fd, name, size))
CALL(int, shutdown, "shutdown", -1, (int fd, int how), (fd, how))
CALL(ssize_t, recv, "recv", -1, (int fd, void *to, size_t n, int flags), (fd, to, n, flags))
CALL(ssize_t, send, "send", -1, (int fd, const void *from, size_t n, int flags),
     (fd, from, n, flags))
CALL(ssize_t, sendmsg, "send", -1, (int fd, const struct msghdr *message, int flags),
     (fd, message, flags))
CALL(int, epoll_create1, "epoll_create1", -1, (int flags), (flags))
CALL(int, epoll_wait, "epoll_wait", -1, (int epoll, struct epoll_event *events, int n, int timeout),
     (epoll, events, n, timeout))
CALL(int, epoll_pwait, "epoll_wait", -1,
     (int epoll, struct epoll_event *events, int n, int timeout, const sigset_t *mask),
     (epoll, events, n, timeout, mask))
CALL(int, eventfd, "eventfd", -1, (unsigned count, int flags), (count, flags))
CALL(int, pipe2, "pipe2", -1, (int fds[2], int flags), (fds, flags))
CALL(int, timer_create, "timer_create", -1, (clockid_t clock, struct sigevent *how, timer_t *timer),
     (clock, how, timer))
CALL(int, timer_settime, "timer_settime", -1,
     (timer_t timer, int flags, const struct itimerspec *when, struct itimerspec *old),
     (timer, flags, when, old))
CALL(int, sigaction, "sigaction", -1,
     (int sig, const struct sigaction *action, struct sigaction *old), (sig, action, old))
CALL(void *, mmap, "mmap", MAP_FAILED,
     (void *at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset))

int getsockopt(int fd, int level, int option, void *value, socklen_t *size) {
  REAL(getsockopt);
  if (is_due("getsockopt")) {
    errno = fault.error;
    return -1;
  }
  int result = real(fd, level, option, value, size);
  if (option == SO_ERROR && is_due("so_error")) *(int *)value = fault.error;
  return result;
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
  REAL(epoll_ctl);
  int result = real(epoll, operation, fd, event);
  if (result != 0 || operation != EPOLL_CTL_ADD || !is_due("epoll_ctl")) return result;
  if (fault.error != EEXIST) real(epoll, EPOLL_CTL_DEL, fd, event); /* (else it is there now) */
  errno = fault.error;
  return -1;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*f)(void *),
                   void *arg) {
  REAL(pthread_create);
  return is_due("pthread_create") ? fault.error : real(thread, attributes, f, arg);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
  REAL(getaddrinfo);
  bool is_numeric = hints && hints->ai_flags & AI_NUMERICHOST;
  if (!is_numeric && is_due("getaddrinfo")) {
    errno = fault.system_error;
    return fault.error;
  }
  if (!is_numeric && name && strcmp(name, "host.fault") == 0) name = "127.0.0.1";
  if (!is_numeric && name && strcmp(name, "slow.fault") == 0) {
    sleep(1);
    return EAI_AGAIN;
  }
  return real(name, service, hints, found);
}
