/* spec/model/cycle.c - model of base/cycle.c: objects that only hold each other are freed, and an
** object that a thread can reach is not. (The explorer checks the memory: nothing is left, and
** nothing is used that was freed.) */
#include "base/cycle.h"
#include "dict/dict.h"
#include "explore.h"
#include "sync/broadcast.h"
#include "sync/channel.h"
#include "sync/mutex.h"

static const rt_shared_kind channel_kind = {"channel", rt_channel_free, 0, &rt_channel_content};
static const rt_shared_kind dict_kind = {"dict", rt_dict_free, 0, &rt_dict_content};
static const rt_shared_kind mutex_kind = {"mutex", rt_mutex_free, 0, &rt_mutex_content};
static const rt_shared_kind watch_kind = {"watch", rt_broadcast_free, 0, &rt_broadcast_content};
static const rt_shared_kind watcher_kind = {"watcher", rt_receiver_free, 0, &rt_receiver_content};

static rt_channel *a, *b, *c;
static rt_dict *dict;
static rt_message *sent;
static rt_mutex *mutex;
static rt_broadcast *watch;
static rt_receiver *watcher;
static rt_task task;
static rt_more more;

/* A message with a reference to the object. */
static rt_message *message_of(rt_shared *shared) {
  rt_message *message = rt_message_new();
  rt_shared_hold(shared);
  rt_message_add(message, shared);
  return message;
}

static void put(rt_channel *to, rt_shared *what) {
  rt_message *message = message_of(what);
  if (rt_channel_send(to, message) != RT_CHANNEL_DONE) rt_message_drop(message);
}

/* Drops a handle. */
static void drop(rt_shared *shared) { rt_shared_drop_and_look(shared, RT_SHARED_HANDLE); }

static rt_channel *new_channel(size_t capacity) {
  rt_channel *channel = rt_channel_new(&channel_kind, capacity, RT_CHANNEL_UNBOUNDED);
  rt_shared_make_handle(&channel->shared);
  return channel;
}

/* What a task does that has received a message: it gets a handle of the object, and drops the
** message. NULL: there was none. */
static rt_shared *unpack(rt_message *message) {
  if (message == NULL) return NULL;
  rt_shared *shared = rt_message_shared(message)[0];
  if (!seeded("takes no reference")) rt_shared_hold_handle(shared);
  rt_message_drop(message);
  return shared;
}

/* Takes a channel out of the message, and looks whether it still is one. */
static void take_channel(rt_message *message) {
  rt_shared *shared = unpack(message);
  check(rt_channel_count(rt_channel_of(shared)) == 1);
  drop(shared);
}

static void drop_a(void) { drop(&a->shared); }
static void drop_b(void) { drop(&b->shared); }
static void drop_c(void) { drop(&c->shared); }

/* --- two channels that hold each other -------------------------------------------------------- */
static void begin_pair(void) {
  a = new_channel(2);
  b = new_channel(2);
  put(a, &b->shared);
  put(b, &a->shared);
}

/* Takes a out of b, and looks whether it holds b, and is still a channel. */
static void read_b(void) {
  rt_message *message;
  rt_channel_recv(b, &message);
  rt_shared *shared = unpack(message);
  check(shared == &a->shared);
  put(b, shared);
  drop(&b->shared);
  check(rt_channel_count(rt_channel_of(shared)) == 1);
  drop(shared);
}

/* --- three in a ring -------------------------------------------------------------------------- */
static void begin_ring(void) {
  a = new_channel(1);
  b = new_channel(1);
  c = new_channel(1);
  put(a, &b->shared);
  put(b, &c->shared);
  put(c, &a->shared);
}

/* Opens the ring. For a moment it has nothing but the message that came out of it. */
static void open_ring(void) {
  rt_message *message;
  rt_channel_recv(b, &message);
  drop(&b->shared);
  take_channel(message);
}

/* --- one that comes to hold itself while two threads have it ---------------------------------- */
static void begin_one(void) {
  a = new_channel(2);
  rt_shared_hold_handle(&a->shared);
}

static void send_itself(void) {
  put(a, &a->shared);
  drop(&a->shared);
}

/* One of the two has only a message that is on its way. */
static void begin_sent(void) {
  a = new_channel(2);
  sent = message_of(&a->shared);
}

static void begin_sent_full(void) {
  begin_sent();
  put(a, &a->shared);
}

static void drop_message(void) { rt_message_drop(sent); }

/* (Afterwards the word with the count of a is the same, but for rt_shared_note_link.) */
static void receive_and_send(void) {
  rt_shared *shared = unpack(sent);
  put(a, shared);
  drop(shared);
}

static void begin_two(void) {
  begin_one();
  b = new_channel(2);
}

static void send_each_other(void) {
  put(a, &b->shared);
  put(b, &a->shared);
  drop(&a->shared);
  drop(&b->shared);
}

/* --- a mutex and a channel -------------------------------------------------------------------- */
static void begin_mutex(void) {
  a = new_channel(2);
  mutex = rt_mutex_new(&mutex_kind, message_of(&a->shared));
  rt_shared_make_handle(&mutex->shared);
  put(a, &mutex->shared);
  task = (rt_task){.id = 1, .more = &more};
  rt_list_init(&more.held_locks);
}

/* Takes the channel out of the mutex. For a moment it has nothing but the message. */
static void change_mutex(void) {
  check(rt_mutex_lock(mutex, &task) == RT_MUTEX_DONE);
  rt_message *message = rt_message_hold(mutex->value);
  rt_mutex_set(mutex, NULL);
  rt_mutex_unlock(mutex, &task);
  drop(&mutex->shared);
  take_channel(message);
}

/* Moves a reference to the mutex into it, in place of that to the channel. */
static void set_mutex(void) {
  check(rt_mutex_lock(mutex, &task) == RT_MUTEX_DONE);
  rt_mutex_set(mutex, message_of(&mutex->shared));
  rt_mutex_unlock(mutex, &task);
  drop(&mutex->shared);
}

/* --- a watch and a watcher of it -------------------------------------------------------------- */
static void begin_watch(void) {
  watch = rt_broadcast_new(&watch_kind, 1, true);
  watcher = rt_receiver_new(&watcher_kind, watch, RT_BROADCAST_NOW);
  rt_shared_make_handle(&watch->shared);
  rt_shared_make_handle(&watcher->shared);
  rt_shared_hold_handle(&watcher->shared);
}

static void set_watch(void) {
  rt_broadcast_send(watch, message_of(&watcher->shared));
  drop(&watcher->shared);
  drop(&watch->shared);
}

/* (For a moment it has nothing but the message.) */
static void read_watch(void) {
  rt_message *message;
  uint64_t lost = 0;
  rt_receiver_recv(watcher, &message, &lost);
  drop(&watcher->shared);
  rt_shared *shared = unpack(message);
  if (shared == NULL) return;
  check(rt_receiver_of(shared)->broadcast->ring[0] != NULL);
  drop(shared);
}

/* --- a dict and a channel --------------------------------------------------------------------- */
static const rt_dict_key key = {.bytes = "k", .len = 1};

static void set_dict(rt_shared *shared) {
  rt_value value;
  rt_value_from_message(&value, message_of(shared));
  rt_dict_put put = {.value = &value, .expires = RT_DICT_KEEP_EXPIRY};
  rt_dict_apply(dict, &key, &put);
  rt_value_drop(&value);
}

static void begin_dict(void) {
  const rt_dict_bounds bounds = {RT_DICT_UNBOUNDED, RT_DICT_UNBOUNDED, false};
  a = new_channel(2);
  dict = rt_dict_new(&dict_kind, &bounds);
  rt_shared_make_handle(&dict->shared);
  put(a, &dict->shared);
  set_dict(&a->shared);
}

/* Takes the channel out of the dict. For a moment it has nothing but the message. */
static void change_dict(void) {
  rt_value value;
  rt_dict_get(dict, &key, &value);
  rt_dict_clear(dict);
  drop(&dict->shared);
  rt_message *message = rt_message_hold(value.block->message);
  rt_value_drop(&value);
  take_channel(message);
}

static void set_dict_to_itself(void) {
  set_dict(&dict->shared);
  drop(&dict->shared);
}

static const model models[] = {
    {.says = "cycle: two channels that hold each other are freed when both handles are dropped",
     .begin = begin_pair,
     .fibers = {{"drops a", drop_a}, {"drops b", drop_b}},
     .bugs = {{"two threads could look at once", BUG_NOT_LOCKED, "rt_lock_take(&collecting)"},
              {"no count were found", BUG_NOT_READ, "rt_load(&c->object->holders)"}}},
    {.says = "cycle: a channel that was taken out of a cycle is not freed, and then it is",
     .begin = begin_pair,
     .fibers = {{"drops a", drop_a}, {"reads b", read_b}},
     .bugs = {{"the receiver had no reference of its own", BUG_OWN, "takes no reference"}}},
    {.says = "cycle: of three channels in a ring, too, while it is opened",
     .begin = begin_ring,
     .fibers = {{"drops a", drop_a}, {"opens ring", open_ring}, {"drops c", drop_c}},
     .bugs = {{"the receiver had no reference of its own", BUG_OWN, "takes no reference"}}},
    {.says = "cycle: a channel that comes to hold itself while another thread drops it is freed",
     .begin = begin_one,
     .fibers = {{"drops a", drop_a}, {"sends a to a", send_itself}},
     .bugs = {{"a count could change unseen", BUG_NOT_ATOMIC, "rt_cas(&shared->holders)"}}},
    {.says = "cycle: so is one, if the count of references is the same as before",
     .begin = begin_sent,
     .fibers = {{"drops a", drop_a}, {"receives a", receive_and_send}},
     .bugs = {{"the message did not change the word", BUG_NOT_WRITTEN,
               "rt_add(&shared->holders)"}}},
    {.says = "cycle: a channel is freed that a handle and a message are dropped of at once",
     .begin = begin_sent_full,
     .fibers = {{"drops a", drop_a}, {"drops the message", drop_message}},
     .bugs = {{"a handle that is dropped counted", BUG_NOT_WRITTEN, "rt_sub(word)"}}},
    {.says = "cycle: so are two that come to hold each other",
     .begin = begin_two,
     .fibers = {{"drops a", drop_a}, {"sends each", send_each_other}},
     .bugs = {{"a count could change unseen", BUG_NOT_ATOMIC, "rt_cas(&shared->holders)"}}},
    {.says = "cycle: a mutex and a channel that is taken out of it",
     .begin = begin_mutex,
     .fibers = {{"drops a", drop_a}, {"changes mutex", change_mutex}},
     .bugs = {{"the receiver had no reference of its own", BUG_OWN, "takes no reference"}}},
    {.says = "cycle: a mutex that is given itself in place of a channel",
     .begin = begin_mutex,
     .fibers = {{"drops a", drop_a}, {"sets mutex", set_mutex}},
     .bugs = {{"no count were found", BUG_NOT_READ, "rt_load(&c->object->holders)"}}},
    {.says = "cycle: a watch that holds its watcher is freed, and not while a message is read",
     .begin = begin_watch,
     .fibers = {{"sets watch", set_watch}, {"reads watch", read_watch}},
     .bugs = {{"messages of others counted", BUG_NOT_READ, "rt_load_acquire(&message->holders)"}}},
    {.says = "cycle: a dict and a channel that is taken out of it",
     .begin = begin_dict,
     .fibers = {{"drops a", drop_a}, {"changes dict", change_dict}},
     .bugs = {{"the receiver had no reference of its own", BUG_OWN, "takes no reference"}}},
    {.says = "cycle: a dict that is given itself in place of a channel",
     .begin = begin_dict,
     .fibers = {{"drops a", drop_a}, {"sets dict", set_dict_to_itself}},
     .bugs = {{"no count were found", BUG_NOT_READ, "rt_load(&c->object->holders)"}}},
};

EXPLORE(models)
