/* spec/ground/sock.c - io/sock.c over socket pairs, with tasks that are no coroutines. */
#include "check.h"
#include "io/sock.h"
#include "is_empty.h"

#include <signal.h>
#include <sys/socket.h>

/* A task and the function that is called when it is resumed. */
typedef struct actor {
  rt_task task;
  void (*on_resume)(struct actor *);
  rt_sock *sock;
  char *data;
  size_t done, size;
  int result; /* 1: not yet */
  int resumes;
} actor;

static void run(rt_driver *d, rt_task *t) {
  actor *a = rt_containerof(t, actor, task);
  (void)d;
  a->resumes++;
  if (a->on_resume) a->on_resume(a);
}

static void actor_init(actor *a, rt_sock *s, void (*on_resume)(actor *)) {
  memset(a, 0, sizeof *a);
  rt_task_init(&a->task, 1);
  a->task.phase = RT_RUNNING;
  a->sock = s;
  a->on_resume = on_resume;
  a->result = 1;
}

static void driver_init(rt_driver *d) { must("a driver starts", rt_driver_init(d, run) == 0); }

/* One side as an rt_sock, the other as a plain descriptor. */
static rt_sock *sock_and_peer(rt_driver *d, int *peer) {
  int fds[2];
  rt_sock *s = NULL;
  must("there is a pair",
       socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  must("a socket opens", rt_sock_open(&s, d, fds[0]) == 0);
  *peer = fds[1];
  return s;
}

/* Polls so many times, and resumes the tasks that are ready. */
static bool turn(rt_driver *d, int times) {
  rt_task *t;
  for (int i = 0; i < times; i++) {
    rt_driver_poll(d);
    rt_ready_flip(&d->ready);
    while ((t = rt_ready_take(&d->ready)) != NULL) run(d, t);
  }
  return true;
}

static void wait(actor *a, rt_side side) {
  must("it can wait",
       rt_sock_wait(a->sock, side, &a->task, side == RT_READ ? RT_OP_READ : RT_OP_WRITE) == 0);
}

/* --- reading ---------------------------------------------------------------------------------- */
static void check_read(void) {
  rt_driver d;
  int peer;
  char got[16];
  actor a;
  driver_init(&d);
  rt_sock *s = sock_and_peer(&d, &peer);
  actor_init(&a, s, NULL);
  check("an open socket belongs to its driver", !is_empty(&d));
  check("where nothing has come, reading says so",
        rt_sock_recv(s, got, sizeof got) == UV_EAGAIN && !s->maybe_readable);
  wait(&a, RT_READ);
  turn(&d, 2);
  check("a reader waits while nothing comes",
        a.task.phase == RT_WAITING && rt_sock_has_parked(s, RT_READ));
  must("the peer writes", write(peer, "hello", 5) == 5);
  turn(&d, 1);
  check("… and goes on when something does", a.resumes == 1 && a.task.phase == RT_RUNNING &&
                                                 a.task.cause == RT_FIRED && s->maybe_readable &&
                                                 !rt_sock_has_parked(s, RT_READ));
  bool part = rt_sock_recv(s, got, 2) == 2 && s->maybe_readable;
  bool rest = rt_sock_recv(s, got + 2, 14) == 3 && !s->maybe_readable;
  check("it takes what it asks for; a short read has taken all",
        part && rest && memcmp(got, "hello", 5) == 0);

  /* interest is lazy */
  check("interest stays when the task has gone", s->interest == UV_READABLE);
  must("the peer writes", write(peer, "x", 1) == 1);
  turn(&d, 2);
  check("… until an event that nobody waits for",
        s->interest == 0 && s->maybe_readable && a.resumes == 1);
  wait(&a, RT_READ);
  turn(&d, 1);
  check("… and comes back with the next task that waits",
        a.resumes == 2 && rt_sock_recv(s, got, 16) == 1);

  /* withdrawing */
  wait(&a, RT_READ);
  rt_driver_wake(&d, &a.task, RT_WITHDRAWN);
  must("the peer writes", write(peer, "late", 4) == 4);
  turn(&d, 2);
  check("a wait that was called off is over once, and has taken nothing",
        a.resumes == 3 && a.task.cause == RT_WITHDRAWN && rt_sock_recv(s, got, 16) == 4);

  close(peer);
  wait(&a, RT_READ);
  turn(&d, 1);
  check("the end of the peer is an event", a.resumes == 4 && rt_sock_recv(s, got, 16) == 0);
  rt_sock_close(s);
  rt_driver_close(&d);
}

/* --- writing ---------------------------------------------------------------------------------- */
static void check_write(void) {
  static char block[65536], sink[65536];
  rt_driver d;
  int peer;
  ssize_t n;
  size_t sent = 0, got = 0;
  actor a;
  driver_init(&d);
  rt_sock *s = sock_and_peer(&d, &peer);
  actor_init(&a, s, NULL);
  while ((n = rt_sock_send(s, block, sizeof block)) > 0) sent += (size_t)n;
  check("a peer that does not read is full at some time", n == UV_EAGAIN && sent > 0);
  wait(&a, RT_WRITE);
  turn(&d, 2);
  check("a writer waits", a.task.phase == RT_WAITING && rt_sock_has_parked(s, RT_WRITE) &&
                              !rt_sock_has_parked(s, RT_READ));
  while ((n = read(peer, sink, sizeof sink)) > 0) got += (size_t)n;
  turn(&d, 1);
  check("… until the peer has read", a.resumes == 1 && got == sent);
  turn(&d, 2);
  check("a socket that could be written all the time does not keep the loop busy",
        s->interest == 0);
  uv_buf_t pieces[3] = {uv_buf_init("one", 3), uv_buf_init("", 0), uv_buf_init("two", 3)};
  ssize_t all = rt_sock_sendv(s, pieces, 3);
  check("pieces go in one call, in order",
        all == 6 && read(peer, sink, 16) == 6 && memcmp(sink, "onetwo", 6) == 0);
  close(peer);
  check("writing to who has gone is an error, and no signal",
        rt_sock_send(s, "x", 1) == UV_EPIPE && rt_sock_sendv(s, pieces, 3) == UV_EPIPE);
  rt_sock_close(s);
  rt_driver_close(&d);
}

/* --- closing ---------------------------------------------------------------------------------- */
static void note_closed(actor *a) { a->result = a->sock->fd < 0 ? UV_ECANCELED : 0; }

static void check_close(void) {
  rt_driver d;
  int peer, before = count_descriptors();
  char c;
  actor reader, writer;
  driver_init(&d);
  rt_sock *s = sock_and_peer(&d, &peer);
  actor_init(&reader, s, note_closed);
  actor_init(&writer, s, note_closed);
  wait(&reader, RT_READ);
  wait(&writer, RT_WRITE);
  rt_sock_close(s);
  check("closing wakes both who wait", !rt_ready_is_idle(&d.ready) &&
                                           reader.task.phase == RT_RUNNING &&
                                           writer.task.phase == RT_RUNNING);
  check("the peer hears of it at once", read(peer, &c, 1) == 0);
  rt_ready_flip(&d.ready);
  rt_task *t;
  while ((t = rt_ready_take(&d.ready)) != NULL) run(&d, t);
  check("… and each finds it closed, once", reader.result == UV_ECANCELED &&
                                                writer.result == UV_ECANCELED &&
                                                reader.resumes == 1 && writer.resumes == 1);
  turn(&d, 2);
  close(peer);

  s = sock_and_peer(&d, &peer);
  actor_init(&reader, s, NULL);
  wait(&reader, RT_READ);
  rt_driver_close(&d);
  check("a driver that closes closes its sockets",
        read(peer, &c, 1) == 0 && reader.task.phase == RT_RUNNING);
  close(peer);
  check("no descriptor is left", count_descriptors() == before);
}

/* The socket moves to another loop in the middle of its own callback. */
static struct {
  rt_driver *to;
  rt_sock *there;
  actor reader;
} move;

static void note_read(actor *a) {
  char c;
  a->result = (int)rt_sock_recv(a->sock, &c, 1);
}

static void move_away(actor *a) {
  int fd = rt_sock_release(a->sock);
  must("it opens there", rt_sock_open(&move.there, move.to, fd) == 0);
  actor_init(&move.reader, move.there, note_read);
  wait(&move.reader, RT_READ);
}

static void check_release(void) {
  rt_driver d, d2;
  int peer, before = count_descriptors();
  actor early, a;
  driver_init(&d);
  driver_init(&d2);
  rt_sock *s = sock_and_peer(&d, &peer);
  actor_init(&early, s, NULL);
  wait(&early, RT_READ);
  int fd = rt_sock_release(s);
  check("letting a descriptor go wakes who waits for it, and leaves it open",
        early.task.phase == RT_RUNNING && fcntl(fd, F_GETFD) >= 0);
  must("it opens again", rt_sock_open(&s, &d, fd) == 0);
  actor_init(&a, s, move_away);
  wait(&a, RT_READ);
  must("it is written", write(peer, "x", 1) == 1);
  move.to = &d2;
  turn(&d, 2);
  check("it goes to another loop in the middle of its callback, and the old one hears no more",
        a.resumes == 1 && is_empty(&d) && move.reader.resumes == 0);
  turn(&d2, 2);
  check("... where it goes on", move.reader.result == 1 && move.reader.resumes == 1);
  fd = rt_sock_release(move.there);
  must("it opens in the same loop", rt_sock_open(&s, &d2, fd) == 0);
  actor_init(&a, s, note_read);
  wait(&a, RT_READ);
  must("it is written", write(peer, "y", 1) == 1);
  turn(&d2, 3);
  check("it may come back to the same loop at once", a.result == 1 && a.resumes == 1);
  rt_driver_close(&d);
  rt_driver_close(&d2);
  close(peer);
  check("all is closed in the end", count_descriptors() == before);
}

static void check_refusal(void) {
  rt_driver d;
  rt_sock *s = NULL;
  int before = count_descriptors(), fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
  driver_init(&d);
  int during = count_descriptors();
  check("what cannot be polled is refused, and closed",
        fd >= 0 && rt_sock_open(&s, &d, fd) < 0 && s == NULL && count_descriptors() == during - 1);
#if RT_DEBUG
  int fds[2];
  must("there is a pair", pipe(fds) == 0);
  rt_alloc_fail(1, 1);
  int err = rt_sock_open(&s, &d, fds[0]);
  rt_alloc_fail(0, 0);
  check("without memory there is no socket, and the descriptor is closed",
        err == UV_ENOMEM && s == NULL && fcntl(fds[0], F_GETFD) < 0);
  close(fds[1]);
#endif
  check("nothing of that belongs to the driver", is_empty(&d));
  rt_driver_close(&d);
  check("no descriptor is left over", count_descriptors() == before);
}

/* --- random: bytes from one task to another, in pieces of any size ---------------------------- */
static char byte_at(size_t position) { return (char)(position * 2654435761u >> 11); }

static void send_on(actor *a) {
  char data[4096];
  while (a->done < a->size) {
    size_t n = 1 + below(sizeof data);
    if (n > a->size - a->done) n = a->size - a->done;
    for (size_t i = 0; i < n; i++) data[i] = byte_at(a->done + i);
    ssize_t sent = rt_sock_send(a->sock, data, n);
    if (sent == UV_EAGAIN) {
      wait(a, RT_WRITE);
      return;
    }
    must("it can be sent", sent > 0);
    a->done += (size_t)sent;
  }
  a->result = 0;
  shutdown(a->sock->fd, SHUT_WR);
}

static void recv_on(actor *a) {
  char data[4096];
  for (;;) {
    ssize_t n = rt_sock_recv(a->sock, data, 1 + below(sizeof data));
    if (n == UV_EAGAIN) {
      wait(a, RT_READ);
      return;
    }
    if (n <= 0) {
      a->result = (int)n;
      return;
    }
    for (ssize_t i = 0; i < n; i++)
      if (data[i] != byte_at(a->done++)) a->result = 2;
    if (a->result == 2) return;
  }
}

static void check_chance(void) {
  enum { PAIRS = 8 };
  static actor senders[PAIRS], receivers[PAIRS];
  rt_driver d;
  const size_t size = MANY(4000000);
  int open = PAIRS, wrong = 0;
  driver_init(&d);
  for (int i = 0; i < PAIRS; i++) {
    int fds[2];
    rt_sock *a, *b;
    must("there is a pair",
         socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    must("the first opens", rt_sock_open(&a, &d, fds[0]) == 0);
    must("the second opens", rt_sock_open(&b, &d, fds[1]) == 0);
    actor_init(&senders[i], a, send_on);
    actor_init(&receivers[i], b, recv_on);
    senders[i].size = size;
    rt_ready_add(&d.ready, &senders[i].task);
    rt_ready_add(&d.ready, &receivers[i].task);
  }
  rt_ready_flip(&d.ready);
  while (open > 0) {
    rt_task *t;
    while ((t = rt_ready_take(&d.ready)) != NULL) run(&d, t);
    open = 0;
    for (int i = 0; i < PAIRS; i++) open += receivers[i].result == 1;
    if (open > 0) rt_driver_park(&d);
    rt_ready_flip(&d.ready);
  }
  for (int i = 0; i < PAIRS; i++) wrong += receivers[i].result != 0 || receivers[i].done != size;
  check("what is sent arrives whole and in order, on every socket", wrong == 0);
  for (int i = 0; i < PAIRS; i += 2) rt_sock_close(senders[i].sock);
  rt_driver_close(&d);
}

int main(void) {
  check_begin(120);
  check_read();
  check_write();
  check_close();
  check_release();
  check_refusal();
  check_chance();
  return check_end();
}
