/* spec/ground/dial.c - io/dial.c: one connection, tried at all the addresses of a host; and the
** addresses of io/tcp.c.
**
** A listener whose queue is full stands for a silent host: Linux does not answer further
** connections. */
#include "check.h"
#include "io/dial.h"
#include "io/tcp.h"
#include "is_empty.h"

#include <arpa/inet.h>
#include <sys/syscall.h>

/* The next sockets of this program are bound to this port of 127.0.0.1 before they are returned.
** (Else the system chooses the port of a socket that connects.) */
static int bind_port, bind_sockets;

/* (in place of that of libc) */
int socket(int family, int type, int protocol) {
  int fd = (int)syscall(SYS_socket, family, type, protocol);
  if (fd < 0 || bind_sockets == 0) return fd;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)bind_port)};
  inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
  bind_sockets--;
  if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0) return fd;
  close(fd);
  return -1;
}

static int resumed;
static void run(rt_driver *d, rt_task *t) {
  (void)d, (void)t;
  resumed++;
}

/* --- addresses -------------------------------------------------------------------------------- */
enum { PLACES_MAX = 12, NO_FAMILY = 99 };

typedef struct places {
  int n;
  struct addrinfo info[PLACES_MAX];
  struct sockaddr_in at[PLACES_MAX];
} places;

static void add_place(places *p, const char *host, int port) {
  int i = p->n++;
  p->at[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &p->at[i].sin_addr);
  p->info[i] = (struct addrinfo){
      .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&p->at[i], .ai_addrlen = sizeof p->at[i]};
  if (i > 0) p->info[i - 1].ai_next = &p->info[i];
}

static int port_of(int fd) {
  rt_tcp_name name;
  must("a socket has a name", rt_tcp_local_name(fd, &name) == 0);
  return name.port;
}

static int listen_at(const char *host, int backlog) {
  places p = {0};
  add_place(&p, host, 0);
  int fd = rt_tcp_listen(&p.info[0], backlog, false);
  must("it can listen", fd >= 0);
  return fd;
}

static int refusing_port(void) {
  int fd = listen_at("127.0.0.1", 1), port = port_of(fd);
  close(fd);
  return port;
}

typedef struct hole {
  int listener, port;
  int fillers[8];
} hole;

static void hole_open(hole *h) {
  places p = {0};
  h->listener = listen_at("127.0.0.1", 0);
  h->port = port_of(h->listener);
  add_place(&p, "127.0.0.1", h->port);
  for (size_t i = 0; i < rt_countof(h->fillers); i++) {
    h->fillers[i] = rt_tcp_socket(AF_INET);
    rt_tcp_connect(h->fillers[i], &p.info[0]);
  }
  usleep(20000);
}

static void hole_close(hole *h) {
  for (size_t i = 0; i < rt_countof(h->fillers); i++) close(h->fillers[i]);
  close(h->listener);
}

/* --- dialling --------------------------------------------------------------------------------- */
static rt_dial *start(rt_driver *d, const places *p, uint64_t timeout) {
  rt_dial *dial = NULL;
  must("a dial starts", rt_dial_start(&dial, d, p->info, timeout) == 0);
  return dial;
}

/* A task waits until the dial is done; returns how long that took. */
static uint64_t wait_for(rt_driver *d, rt_dial *dial) {
  rt_task t;
  uint64_t from = rt_clock();
  if (rt_dial_is_done(dial)) return 0;
  rt_task_init(&t, 1);
  t.phase = RT_RUNNING;
  rt_dial_wait(dial, &t);
  while (t.phase == RT_WAITING) rt_driver_park(d);
  rt_list_remove(&t.link);
  must("whoever is woken finds it over", rt_dial_is_done(dial));
  return rt_clock() - from;
}

static int dial_all(rt_driver *d, const places *p, uint64_t timeout, uint64_t *took) {
  rt_dial *dial = start(d, p, timeout);
  *took = wait_for(d, dial);
  int r = rt_dial_take(dial);
  rt_dial_drop(dial);
  return r;
}

static int peer_port(int fd) {
  rt_tcp_name name;
  return rt_tcp_peer_name(fd, &name) == 0 ? name.port : -1;
}

static void check_ways(rt_driver *d) {
  uint64_t took;
  int listener = listen_at("127.0.0.1", 16), port = port_of(listener), closed = refusing_port();
  hole h;
  hole_open(&h);

  places good = {0};
  add_place(&good, "127.0.0.1", port);
  int fd = dial_all(d, &good, 10 * RT_SECOND, &took);
  check("an address that answers gives a connection", fd >= 0 && peer_port(fd) == port);
  close(fd);

  places bad = {0};
  add_place(&bad, "127.0.0.1", closed);
  check("one that refuses gives its error",
        dial_all(d, &bad, 10 * RT_SECOND, &took) == UV_ECONNREFUSED);

  places bad_and_unreachable = bad;
  bad_and_unreachable.info[0].ai_addr = (struct sockaddr *)&bad_and_unreachable.at[0];
  add_place(&bad_and_unreachable, "255.255.255.255", closed);
  check("… also if another one cannot be reached at all",
        dial_all(d, &bad_and_unreachable, 10 * RT_SECOND, &took) == UV_ECONNREFUSED);

  places second = {0};
  add_place(&second, "127.0.0.1", closed);
  add_place(&second, "127.0.0.1", port);
  uint64_t soon = 200 * check_slow() * RT_MILLISECOND;
  took = soon;
  for (int i = 0; i < ATTEMPTS && took >= soon; i++) {
    fd = dial_all(d, &second, 10 * RT_SECOND, &took);
    check("after one that refuses the next is tried", fd >= 0 && peer_port(fd) == port);
    close(fd);
  }
  check("… at once", took < soon);

  places silent = {0};
  add_place(&silent, "127.0.0.1", h.port);
  int err = dial_all(d, &silent, 80 * RT_MILLISECOND, &took);
  check("one that is silent ends with the time, not before",
        err == UV_ETIMEDOUT && took >= 79 * RT_MILLISECOND && took < 5 * check_slow() * RT_SECOND);

  places around = {0};
  add_place(&around, "127.0.0.1", h.port);
  add_place(&around, "127.0.0.1", port);
  soon = 900 * check_slow() * RT_MILLISECOND;
  took = soon;
  for (int i = 0; i < ATTEMPTS && took >= soon; i++) {
    fd = dial_all(d, &around, 10 * RT_SECOND, &took);
    check("while one is silent the next is tried, and wins",
          fd >= 0 && peer_port(fd) == port && took >= 200 * RT_MILLISECOND);
    close(fd);
  }
  check("… soon", took < soon);

  places crowd = {0};
  for (int i = 0; i < PLACES_MAX; i++) add_place(&crowd, "127.0.0.1", closed);
  check("more addresses than are tried: as many as that",
        dial_all(d, &crowd, 10 * RT_SECOND, &took) == UV_ECONNREFUSED);

  check("no time at all is too little for who is silent",
        dial_all(d, &silent, 0, &took) == UV_ETIMEDOUT);
  hole_close(&h);
  close(listener);
}

/* --- addresses of this machine ---------------------------------------------------------------- */
static void check_self(rt_driver *d) {
  uint64_t took;
  int port = refusing_port(), before = count_descriptors();
  places own = {0};
  add_place(&own, "127.0.0.1", port);

  bind_port = port;
  bind_sockets = 1;
  int fd = rt_tcp_socket(AF_INET), err = rt_tcp_connect(fd, &own.info[0]);
  must("a socket connects to its own port",
       (err == 0 || err == RT_EINPROGRESS) && peer_port(fd) == port);
  check("one that is connected to itself is its own peer", rt_tcp_is_its_own_peer(fd));
  close(fd);

  bind_port = port = refusing_port();
  bind_sockets = 1;
  own = (places){0};
  add_place(&own, "127.0.0.1", port);
  fd = dial_all(d, &own, 10 * RT_SECOND, &took);
  check("a port where no program listens refuses, even if the system gives it to the socket",
        fd == UV_ECONNREFUSED && bind_sockets == 0);
  check("… and nothing is left", count_descriptors() == before && is_empty(d));

  int listener = listen_at("127.0.0.1", 16);
  bind_port = refusing_port();
  bind_sockets = 1;
  places other = {0};
  add_place(&other, "127.0.0.1", bind_port);
  add_place(&other, "127.0.0.1", port_of(listener));
  fd = dial_all(d, &other, 10 * RT_SECOND, &took);
  check("then the next address is tried",
        fd >= 0 && peer_port(fd) == port_of(listener) && !rt_tcp_is_its_own_peer(fd));
  close(fd);
  close(listener);
}

static void check_listen(void) {
  int taken = listen_at("127.0.0.1", 16);
  places p = {0}, foreign = {0}, none = {0};
  add_place(&p, "127.0.0.1", port_of(taken));
  add_place(&p, "127.0.0.2", port_of(taken));
  check("where another socket listens, listening fails, and the next address is not tried",
        rt_tcp_listen(&p.info[0], 16, false) == UV_EADDRINUSE);
  add_place(&foreign, "192.0.2.1", 0);
  add_place(&foreign, "127.0.0.1", 0);
  int fd = rt_tcp_listen(&foreign.info[0], 16, false);
  check("an address that this machine has not got is passed over", fd >= 0);
  close(fd);
  add_place(&none, "192.0.2.1", 0);
  check("… unless it is the only one", rt_tcp_listen(&none.info[0], 16, false) == UV_EADDRNOTAVAIL);

  add_place(&none, "127.0.0.1", 0);
  none.info[1].ai_family = NO_FAMILY;
  check("if no address can be had, a family that the system lacks is not the reason",
        rt_tcp_listen(&none.info[0], 16, false) == UV_EADDRNOTAVAIL);
  places lacking = {0};
  add_place(&lacking, "127.0.0.1", 0);
  lacking.info[0].ai_family = NO_FAMILY;
  check("… unless there is no other",
        rt_tcp_listen(&lacking.info[0], 16, false) == UV_EAFNOSUPPORT);
  add_place(&lacking, "192.0.2.1", 0);
  check("… nor if it comes first", rt_tcp_listen(&lacking.info[0], 16, false) == UV_EADDRNOTAVAIL);
  add_place(&lacking, "127.0.0.1", port_of(taken));
  check("… and a port in use is the reason, whatever came before it",
        rt_tcp_listen(&lacking.info[0], 16, false) == UV_EADDRINUSE);
  close(taken);
}

static void check_clearer_error(void) {
  static const int by_clearness[] = {0, UV_EAFNOSUPPORT, UV_EADDRNOTAVAIL, UV_ECONNREFUSED};
  const int n = (int)rt_countof(by_clearness);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      check("of two errors the clearer one counts",
            rt_tcp_clearer_error(by_clearness[i], by_clearness[j]) == by_clearness[i > j ? i : j]);
  check("… of two equal ones the first",
        rt_tcp_clearer_error(UV_ECONNREFUSED, UV_ETIMEDOUT) == UV_ECONNREFUSED &&
            rt_tcp_clearer_error(UV_ENETUNREACH, UV_EADDRNOTAVAIL) == UV_ENETUNREACH &&
            rt_tcp_clearer_error(UV_EADDRNOTAVAIL, UV_ENETUNREACH) == UV_EADDRNOTAVAIL);
}

static void check_drop(rt_driver *d) {
  hole h;
  hole_open(&h);
  int listener = listen_at("127.0.0.1", 16), before = count_descriptors();
  places silent = {0}, good = {0};
  for (int i = 0; i < 2; i++) add_place(&silent, "127.0.0.1", h.port);
  add_place(&good, "127.0.0.1", port_of(listener));

  rt_dial_drop(start(d, &silent, 10 * RT_SECOND));
  check("a dial that is dropped at once leaves nothing",
        count_descriptors() == before && is_empty(d));
  rt_dial *dial = start(d, &silent, 10 * RT_SECOND);
  int expected = before + (RT_DIAL_MAX_ADDRESSES >= 2 ? 2 : 1);
  uint64_t until = check_deadline(20);
  while (count_descriptors() != expected && rt_clock() < until) rt_driver_poll(d);
  check("two attempts are under way after a while", count_descriptors() == expected);
  rt_dial_drop(dial);
  check("… and both are closed when it is dropped", count_descriptors() == before && is_empty(d));

  dial = start(d, &good, 10 * RT_SECOND);
  wait_for(d, dial);
  rt_dial_drop(dial);
  check("a connection that nobody took is closed", count_descriptors() == before);
  rt_driver_poll(d);
  hole_close(&h);
  close(listener);
}

/* Random addresses, some in use, dropped at random moments. */
static void check_chance(rt_driver *d) {
  hole h;
  hole_open(&h);
  int listener = listen_at("127.0.0.1", 64), before = count_descriptors(), connected = 0,
      failed = 0, wrong = 0;
  int ports[3] = {port_of(listener), refusing_port(), h.port};
  for (int i = 0; i < 300; i++) {
    places p = {0};
    bool can = false;
    for (uint64_t n = 1 + below(4); n > 0; n--) {
      int which = (int)below(3);
      can = can || which == 0;
      add_place(&p, "127.0.0.1", ports[which]);
    }
    rt_dial *dial = start(d, &p, below(20) * RT_MILLISECOND);
    for (uint64_t polls = below(4); polls > 0; polls--) rt_driver_poll(d);
    if (one_in(2)) {
      wait_for(d, dial);
      int r = rt_dial_take(dial);
      wrong += r >= 0 ? !can : r != UV_ETIMEDOUT && r != UV_ECONNREFUSED;
      connected += r >= 0;
      failed += r < 0;
      if (r >= 0) close(r);
    }
    rt_dial_drop(dial);
    int fd;
    while ((fd = rt_tcp_accept(listener)) >= 0) close(fd);
  }
  printf("# %d connected, %d failed\n", connected, failed);
  check("whatever the addresses, it connects, or fails for a reason they give",
        wrong == 0 && connected > 0 && failed > 0);
  check("… and nothing is left", count_descriptors() == before && is_empty(d));
  hole_close(&h);
  close(listener);
}

static void check_end_of_driver(void) {
  rt_driver d;
  hole h;
  places silent = {0};
  hole_open(&h);
  int before = count_descriptors();
  must("a driver starts", rt_driver_init(&d, run) == 0);
  add_place(&silent, "127.0.0.1", h.port);
  rt_dial *dial = start(&d, &silent, 10 * RT_SECOND);
#if RT_DEBUG
  rt_dial *none = NULL;
  rt_alloc_fail(1, 1);
  check("without memory there is no dial",
        rt_dial_start(&none, &d, silent.info, RT_SECOND) == UV_ENOMEM && none == NULL);
  rt_alloc_fail(0, 0);
#endif
  rt_driver_close(&d);
  check("a driver that closes ends its dials",
        rt_dial_is_done(dial) && rt_dial_take(dial) == UV_ECANCELED);
  rt_dial_drop(dial);
  check("… and closes what they had", count_descriptors() == before);
  hole_close(&h);
}

int main(void) {
  rt_driver d;
  check_begin(120);
  must("a driver starts", rt_driver_init(&d, run) == 0);
  check_ways(&d);
  check_self(&d);
  check_listen();
  check_clearer_error();
  check_drop(&d);
  check_chance(&d);
  check("nothing was run inside the loop: a dial only wakes", resumed == 0);
  rt_driver_close(&d);
  check_end_of_driver();
  return check_end();
}
