# rt: build, run, test, install.  'make help' lists the targets.
#
# Every variable may be given on the command line; an empty value counts as not given
# (LuaRocks passes some that way).  There is one build folder for each Lua and flavour.

.DEFAULT_GOAL := all
SHELL := /bin/sh
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

given = $(if $(strip $(value $(1))),$(value $(1)),$(2))

# --- what to build with ---------------------------------------------------------------------
override CC := $(call given,CC,cc)
override CFLAGS := $(call given,CFLAGS,-O2 -g)
override FLAVOR := $(strip $(FLAVOR))

# the first folder whose lua.h is that of 5.4
lua_places := /usr/include/lua5.4 /usr/local/include/lua5.4 /usr/include/lua-5.4 /usr/local/include \
  /opt/homebrew/include/lua5.4 /opt/homebrew/opt/lua@5.4/include/lua5.4 /usr/include
find_lua = for d in $(lua_places); do grep -qs 'LUA_VERSION_MINOR.*"4"' $$d/lua.h && echo $$d && break; done
override LUA_INCDIR := $(call given,LUA_INCDIR,$(shell $(find_lua)))
override LUA_V := $(or $(shell echo 'LUA_VERSION_NUM' | $(CC) -I$(LUA_INCDIR) -E -P -include lua.h - 2>/dev/null | tail -n 1 | \
  sed -n 's/^\([0-9]\)0\([0-9]\)$$/\1.\2/p'),5.4)
# the interpreter for the specs; some systems name it 'lua'
stock_lua = for l in lua$(LUA_V) lua; do \
  $$l -e 'assert(_VERSION == "Lua $(LUA_V)")' >/dev/null 2>&1 && echo $$l && break; done
override LUA := $(call given,LUA,$(or $(shell $(stock_lua)),lua$(LUA_V)))
override UV_INCDIR := $(strip $(UV_INCDIR))
override UV_LIBDIR := $(strip $(UV_LIBDIR))

BUILD := build/lua$(LUA_V)$(FLAVOR:%=-%)

uname := $(shell uname -s)
ifeq ($(uname),Darwin)
override LIBFLAG := $(call given,LIBFLAG,-bundle -undefined dynamic_lookup -all_load)
program_flags :=
system_libs := -lm
else
override LIBFLAG := $(call given,LIBFLAG,-shared)
module_flags := -Wl,-z,nodelete
program_flags := -Wl,-E
system_libs := -lm -ldl -lpthread
endif

# a static liblua where there is one, so that rt-lua runs where no Lua is
liblua_a := $(shell f=$$($(CC) -print-file-name=liblua$(LUA_V).a 2>/dev/null); [ -f "$$f" ] && echo $$f)
liblua := $(or $(liblua_a),-llua$(LUA_V))

sanitizers.asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# (without that parameter, a longjmp out of Lua confuses gcc's thread sanitizer)
sanitizers.tsan := -fsanitize=thread --param tsan-instrument-func-entry-exit=0
sanitizers.tight := -DRT_TIGHT
sanitize := $(sanitizers.$(FLAVOR)) $(if $(FLAVOR),-DRT_DEBUG=1)

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
cflags = -std=gnu11 $(warnings) -fPIC -fvisibility=hidden -D_GNU_SOURCE $(CFLAGS) $(if $(FLAVOR),-O1) $(sanitize) \
  -iquote src -I$(LUA_INCDIR) $(UV_INCDIR:%=-I%)
uv_libs := $(UV_LIBDIR:%=-L%) $(UV_LIBDIR:%=-Wl,-rpath,%) -luv

# --- what to build --------------------------------------------------------------------------
# (src/cli is the program alone; the rest is the module, too)
sources := $(sort $(wildcard src/*/*.c src/*/*/*.c))
objects := $(sources:src/%.c=$(BUILD)/obj/%.o)
module_objects := $(filter-out $(BUILD)/obj/cli/%,$(objects))
lua_files := $(patsubst lua/%,$(BUILD)/%,$(wildcard lua/rt/*.lua))
ground_tests := $(patsubst spec/ground/%.c,$(BUILD)/ground/%,$(wildcard spec/ground/*.c))
library_objects := $(filter-out $(BUILD)/obj/cli/main.o,$(objects))

.PHONY: all
all: $(BUILD)/rt-lua $(BUILD)/rt/core.so $(lua_files)

$(BUILD)/obj/%.o: src/%.c Makefile | found
	@mkdir -p $(@D)
	$(CC) $(cflags) -MMD -MP -c -o $@ $<

$(BUILD)/rt/core.so: $(module_objects) | $(BUILD)/rt/.there
	$(CC) $(CFLAGS) $(sanitize) $(LIBFLAG) $(module_flags) -o $@ $(module_objects) $(uv_libs) -lm -lpthread

$(BUILD)/rt-lua: $(objects)
	$(CC) $(CFLAGS) $(sanitize) $(program_flags) -o $@ $(objects) $(liblua) $(uv_libs) $(system_libs)

$(BUILD)/rt/%.lua: lua/rt/%.lua | $(BUILD)/rt/.there
	cp $< $@

$(BUILD)/ground/%: spec/ground/%.c spec/ground/check.h $(library_objects) | $(BUILD)/ground/.there
	$(CC) $(cflags) -o $@ $< $(library_objects) $(liblua) $(uv_libs) $(system_libs)

# The model build: the rooms without Lua on an explorer of thread schedules (spec/model).
model_rooms := base/shared base/virtual_time base/message task/task task/task_name task/timer event/driver event/mailbox \
  event/thread_pool event/waiter sched/group sched/job sched/runq sched/runtime sched/sched sync/barrier sync/broadcast \
  sync/channel sync/mutex sync/notify sync/semaphore
explorer := $(wildcard spec/model/explorer/*.c)
model_objects := $(model_rooms:%=$(BUILD)/model/obj/%.o) $(explorer:spec/model/explorer/%.c=$(BUILD)/model/obj/explorer_%.o)
models := $(if $(filter Linux,$(uname)),$(patsubst spec/model/%.c,$(BUILD)/model/%,$(wildcard spec/model/*.c)))
model_flags = $(cflags) -O2 -Wno-shadow -U_FORTIFY_SOURCE -DRT_MODEL='"base_hooks.h"' -DRT_DEBUG=1 -DRT_TIGHT -MMD -MP \
  -iquote spec/model/explorer

$(BUILD)/model/obj/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(model_flags) -c -o $@ $<

$(BUILD)/model/obj/explorer_%.o: spec/model/explorer/%.c Makefile | $(BUILD)/model/obj/.there
	$(CC) $(model_flags) -c -o $@ $<

$(BUILD)/model/%: spec/model/%.c $(model_objects) | $(BUILD)/model/.there
	$(CC) $(model_flags) -MF $@.d -o $@ $< $(model_objects)

.PRECIOUS: %/.there
%/.there:
	@mkdir -p $(@D) && touch $@

# Says what is missing before the compiler does, in words.
.PHONY: found
found:
	@command -v $(firstword $(CC)) >/dev/null || { .ci/packages --explain "the C compiler '$(CC)'"; exit 1; }
	@test -f "$(LUA_INCDIR)/lua.h" || { .ci/packages --explain "the headers of Lua 5.4"; exit 1; }
	@echo '#include <uv.h>' | $(CC) $(UV_INCDIR:%=-I%) -E - >/dev/null 2>&1 || \
	  { .ci/packages --explain "the headers of libuv"; exit 1; }

.PHONY: found_lua
found_lua:
	@LUA='$(LUA)' .ci/packages lua

-include $(objects:.o=.d) $(model_objects:.o=.d) $(models:=.d)

# --- using it -------------------------------------------------------------------------------
SCRIPT := examples/tour.lua

.PHONY: run
run: ## install what is missing, build, run the tour (SCRIPT=file ARGS="…": any script)
	@CC='$(firstword $(CC))' .ci/packages build
	@$(MAKE) --no-print-directory all
	$(BUILD)/rt-lua "$(SCRIPT)" $(ARGS)

.PHONY: test
test: ## install what is missing, build, run the specs in rt-lua and in stock Lua (SPEC=name: one)
	@CC='$(firstword $(CC))' LUA='$(LUA)' .ci/packages build test
	@$(MAKE) --no-print-directory all ground models
	@$(LUA) spec/support/run.lua --build $(BUILD) --lua $(LUA) $(if $(SPEC),--only $(SPEC)) $(TEST_ARGS)

.PHONY: ground
ground: $(ground_tests)

.PHONY: models
models: $(models)

PREEMPTIONS := 2

.PHONY: model
model: models ## run the C core in all schedules of its threads (PREEMPTIONS=2: with so many switches)
	@failed=0; for m in $(models); do $$m --preemptions $(PREEMPTIONS) || failed=1; done; exit $$failed

.PHONY: examples
examples: found_lua all ## run every example and compare what it prints
	@$(LUA) spec/support/run.lua --build $(BUILD) --lua $(LUA) --only examples,examples_chat,examples_echo,examples_http --hosts rt-lua

define flavor_rule
.PHONY: $(1)
$(1): ## $(2)
	@CC='$$(firstword $$(CC))' LUA='$$(LUA)' .ci/packages build test
	@$$(MAKE) --no-print-directory FLAVOR=$(1) all ground
	@$$(LUA) spec/support/run.lua --build $$(BUILD)-$(1) --lua $$(LUA) --flavor $(1) $$(if $$(SPEC),--only $$(SPEC)) $$(TEST_ARGS)
endef
$(eval $(call flavor_rule,asan,the specs with the address and undefined-behaviour sanitizers))
$(eval $(call flavor_rule,tsan,the specs with the thread sanitizer))
$(eval $(call flavor_rule,tight,the specs with queues of 4 and buffers of 16 bytes))

CHAOS := steal,preempt,short-io,delay

.PHONY: chaos
chaos: ## the same in rt-lua, with stolen tasks, switches, short reads and delays at random (CHAOS=…, RT_SEED=n: again)
	@$(MAKE) --no-print-directory tight TEST_ARGS="--hosts rt-lua --chaos $(CHAOS) $(TEST_ARGS)"

# --- looking for what nobody thought of: needs clang -------------------------------------------
SECONDS := 60
fuzz_sources := $(filter-out src/cli/main.c,$(sources))

build/fuzz/unpack: spec/fuzz/unpack.c $(fuzz_sources) $(wildcard src/*/*.h src/*/*/*.h) | build/fuzz/corpus/.there
	clang -std=gnu11 -D_GNU_SOURCE -DRT_DEBUG=1 -g -O1 -fno-omit-frame-pointer \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	  -I$(LUA_INCDIR) $(UV_INCDIR:%=-I%) -iquote src -o $@ $< $(fuzz_sources) $(liblua) $(uv_libs) $(system_libs)

.PHONY: fuzz
fuzz: build/fuzz/unpack ## feed the reader of packets whatever comes to a fuzzer's mind (SECONDS=60)
	cd build/fuzz && ./unpack -max_total_time=$(SECONDS) -max_len=2048 -timeout=10 -rss_limit_mb=4096 corpus

# --- keeping it well ------------------------------------------------------------------------
c_files := $(wildcard src/*/*.[ch] src/*/*/*.[ch] spec/ground/*.[ch] spec/model/*.c spec/model/explorer/*.[ch] spec/fuzz/*.[ch])

.PHONY: layers
layers: found_lua ## every include is on the list of src/README.md
	@$(LUA) spec/support/layers.lua

.PHONY: lint
lint: ## luacheck, clang-format, StyLua (where they are installed)
	@.ci/lint

.PHONY: format
format: ## format the C and Lua files in place
	clang-format -i $(c_files)
	@if command -v stylua >/dev/null; then stylua lua spec examples bench library docs; else echo "stylua is not installed: npm install -g @johnnymorganz/stylua-bin"; fi

# --- installing -----------------------------------------------------------------------------
override PREFIX := $(call given,PREFIX,/usr/local)
override BINDIR := $(call given,BINDIR,$(PREFIX)/bin)
override LUADIR := $(call given,LUADIR,$(PREFIX)/share/lua/$(LUA_V))
override LIBDIR := $(call given,LIBDIR,$(PREFIX)/lib/lua/$(LUA_V))

.PHONY: install
install: all ## install to PREFIX (/usr/local), below DESTDIR
	install -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(LIBDIR)/rt" "$(DESTDIR)$(LUADIR)/rt"
	install -m 755 $(BUILD)/rt-lua "$(DESTDIR)$(BINDIR)/rt-lua"
	install -m 755 $(BUILD)/rt-lua "$(DESTDIR)$(BINDIR)/rt-lua$(LUA_V)"
	install -m 755 $(BUILD)/rt/core.so "$(DESTDIR)$(LIBDIR)/rt/core.so"
	install -m 644 lua/rt/*.lua "$(DESTDIR)$(LUADIR)/rt/"

.PHONY: uninstall
uninstall: ## remove what install put there
	rm -f "$(DESTDIR)$(BINDIR)/rt-lua" "$(DESTDIR)$(BINDIR)/rt-lua$(LUA_V)" "$(DESTDIR)$(LIBDIR)/rt/core.so"
	for f in lua/rt/*.lua; do rm -f "$(DESTDIR)$(LUADIR)/rt/$${f##*/}"; done
	@rmdir "$(DESTDIR)$(LIBDIR)/rt" "$(DESTDIR)$(LUADIR)/rt" 2>/dev/null || true

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@echo "make            build rt-lua and rt/core.so into $(BUILD)/"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p; s/^$$(eval $$(call flavor_rule,\([a-z]*\),\(.*\)))/make \1|\2/p' \
	  Makefile | while IFS='|' read -r t d; do printf '%-15s %s\n' "$$t" "$$d"; done
