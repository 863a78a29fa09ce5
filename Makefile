# rt: build, run, test, install.  `make help` lists the targets.
#
# Every variable may be given on the command line; an empty value counts as not given
# (LuaRocks passes some that way).  There is one build folder for each Lua and flavour.
# The output is one line for each file that is built; V=1 shows the commands.

.DEFAULT_GOAL := all
SHELL := /bin/sh
.DELETE_ON_ERROR:

given = $(if $(strip $(value $(1))),$(value $(1)),$(2))

# --- how make runs --------------------------------------------------------------------------
# One job for each CPU, unless the command line, the environment or an outer make says how many.
# (GNU make before 4.4 does not show -j in MAKEFLAGS while it reads this file, so the arguments
# of the process are looked at.)
silent := $(findstring s,$(filter-out -%,$(firstword $(MAKEFLAGS))))
ifeq ($(MAKELEVEL),0)
own_arguments := tr '\0' '\n' </proc/$$PPID/cmdline || ps -o args= -p $$PPID | tr ' ' '\n'
jobs_given := $(shell { $(own_arguments); printenv MAKEFLAGS GNUMAKEFLAGS | tr ' ' '\n'; } 2>/dev/null | \
  grep -e '^-[A-Za-z]*j' -e '^--job')
cpus := $(shell { nproc || getconf _NPROCESSORS_ONLN || echo 1; } 2>/dev/null)
MAKEFLAGS += $(if $(jobs_given),,-j$(cpus))
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Goals that only build may run at the same time; any others run in the order in which they stand.
build_goals := all ground models faultlib build/%
ifneq ($(words $(MAKECMDGOALS)),1)
ifneq ($(filter-out $(build_goals),$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif
endif

verbose := $(filter-out 0,$(if $(filter command,$(firstword $(origin V))),$(V)))
say := $(if $(verbose)$(silent),@:,@printf '  %s %s\n')
Q := $(if $(verbose),,@)

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
optimize.debug := -O0 -g3
optimize := $(if $(FLAVOR),$(or $(optimize.$(FLAVOR)),-O1))

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
cflags = -std=gnu11 $(warnings) -fPIC -fvisibility=hidden -D_GNU_SOURCE $(CFLAGS) $(optimize) $(sanitize) \
  -iquote src -I$(LUA_INCDIR) $(UV_INCDIR:%=-I%)
uv_libs := $(UV_LIBDIR:%=-L%) $(UV_LIBDIR:%=-Wl,-rpath,%) -luv

# --- what to build --------------------------------------------------------------------------
# Folders of src/ that are modules of their own: src/NAME becomes rt/NAME.so, linked with NAME_libs,
# and is in neither rt-lua nor rt/core.so. (None so far. TLS: modules := tls, tls_libs := -lssl -lcrypto)
modules :=

all_sources := $(sort $(wildcard src/*/*.c src/*/*/*.c))
sources := $(filter-out $(modules:%=src/%/%),$(all_sources))
objects_of = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(1))
objects := $(call objects_of,$(sources))
own_modules := $(modules:%=$(BUILD)/rt/%.so)
# (src/cli is in the program alone; the rest is in both)
module_objects := $(filter-out $(BUILD)/obj/cli/%,$(objects))
library_objects := $(filter-out $(BUILD)/obj/cli/main.o,$(objects))
lua_files := $(patsubst lua/%,$(BUILD)/%,$(wildcard lua/rt/*.lua))

##@ Build

.PHONY: all
all: $(BUILD)/rt-lua $(BUILD)/rt/core.so $(own_modules) $(lua_files) ## rt-lua and rt/core.so, which is what `make` does (V=1: show the commands)

# What was removed from lua/rt goes from the build folder, too.
removed := $(filter-out $(lua_files),$(wildcard $(BUILD)/rt/*.lua))
$(if $(removed),$(shell rm -f $(removed)))

# What was built with another compiler or other flags is built again, and what was linked of other
# objects is linked again: these two files are written when that changes. (`make install` takes what
# is there, with whatever flags it was built.)
quote = '$(subst ','\'',$(1))'
flags := $(strip $(CC) $(cflags))
links := $(strip $(LIBFLAG) $(module_flags) $(program_flags) $(liblua) $(uv_libs) $(system_libs) $(objects))

.PHONY: changed
ifneq ($(filter-out install uninstall,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell cat $(BUILD)/flags 2>/dev/null),$(flags))
$(BUILD)/flags: changed
endif
ifneq ($(shell cat $(BUILD)/links 2>/dev/null),$(links))
$(BUILD)/links: changed
endif
endif

$(BUILD)/flags $(BUILD)/links: | found
	@mkdir -p $(@D) && printf '%s\n' $(call quote,$($(@F))) >$@

$(BUILD)/obj/%.o: src/%.c Makefile $(BUILD)/flags | found
	@mkdir -p $(@D)
	$(say) CC $*.c
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

$(BUILD)/rt/core.so: $(module_objects) $(BUILD)/links | $(BUILD)/rt/.there
	$(say) LD rt/core.so
	$(Q)$(CC) $(CFLAGS) $(sanitize) $(LIBFLAG) $(module_flags) -o $@ $(module_objects) $(uv_libs) -lm -lpthread

define module_rule
$(BUILD)/rt/$(1).so: $(call objects_of,$(filter src/$(1)/%,$(all_sources))) $(BUILD)/links | $(BUILD)/rt/.there
	$$(say) LD rt/$(1).so
	$$(Q)$$(CC) $$(CFLAGS) $$(sanitize) $$(LIBFLAG) $$(module_flags) -o $$@ $$(filter %.o,$$^) $$($(1)_libs)
endef
$(foreach module,$(modules),$(eval $(call module_rule,$(module))))

$(BUILD)/rt-lua: $(objects) $(BUILD)/links
	$(say) LD rt-lua
	$(Q)$(CC) $(CFLAGS) $(sanitize) $(program_flags) -o $@ $(objects) $(liblua) $(uv_libs) $(system_libs)

$(BUILD)/rt/%.lua: lua/rt/%.lua | $(BUILD)/rt/.there
	$(say) CP rt/$*.lua
	$(Q)cp $< $@

# The tests of the files without Lua: one program each, of what it needs of the archive.
ground_tests := $(patsubst spec/ground/%.c,$(BUILD)/ground/%,$(wildcard spec/ground/*.c))

# (q, not r: two folders may have a file of one name)
$(BUILD)/librt.a: $(library_objects) $(BUILD)/links
	$(say) AR librt.a
	$(Q)rm -f $@ && ar qcs $@ $(library_objects)

$(BUILD)/ground/%.o: spec/ground/%.c Makefile $(BUILD)/flags | found $(BUILD)/ground/.there
	$(say) CC ground/$*.c
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

$(ground_tests): %: %.o $(BUILD)/librt.a
	$(say) LD ground/$(@F)
	$(Q)$(CC) $(cflags) -o $@ $< $(BUILD)/librt.a $(liblua) $(uv_libs) $(system_libs)

# The model build: files without Lua on an explorer of thread schedules (spec/model).
model_files := \
  base/cycle base/fork base/heap base/id_queue base/message base/ptr_map base/shared base/siphash base/system_error base/virtual_time \
  dict/dict dict/quota dict/shard dict/value \
  task/ready task/task task/task_name task/timer \
  event/driver event/mailbox event/thread_pool event/waiter \
  sched/balance sched/group sched/job sched/runq sched/runtime sched/sched sched/slot \
  sync/barrier sync/broadcast sync/channel sync/limiter sync/mutex sync/notify sync/semaphore
explorer := $(patsubst spec/model/explorer/%.c,%,$(wildcard spec/model/explorer/*.c))
model_objects := $(model_files:%=$(BUILD)/model/obj/%.o) $(explorer:%=$(BUILD)/model/obj/explorer/%.o)
models := $(if $(filter Linux,$(uname)),$(patsubst spec/model/%.c,$(BUILD)/model/%,$(wildcard spec/model/*.c)))
model_flags = $(cflags) -O2 -Wno-shadow -U_FORTIFY_SOURCE -DRT_MODEL='"base_hooks.h"' -DRT_DEBUG=1 -DRT_TIGHT -MMD -MP \
  -iquote spec/model/explorer

$(BUILD)/model/obj/explorer/%.o: spec/model/explorer/%.c Makefile $(BUILD)/flags | found
	@mkdir -p $(@D)
	$(say) CC model/explorer/$*.c
	$(Q)$(CC) $(model_flags) -c -o $@ $<

$(BUILD)/model/obj/%.o: src/%.c Makefile $(BUILD)/flags | found
	@mkdir -p $(@D)
	$(say) CC "$*.c (model)"
	$(Q)$(CC) $(model_flags) -c -o $@ $<

$(BUILD)/model/%.o: spec/model/%.c Makefile $(BUILD)/flags | found $(BUILD)/model/.there
	$(say) CC model/$*.c
	$(Q)$(CC) $(model_flags) -c -o $@ $<

$(models): %: %.o $(model_objects)
	$(say) LD model/$(@F)
	$(Q)$(CC) $(model_flags) -o $@ $< $(model_objects) -lm

# The library with which system calls fail (spec/faults).
fault_library := $(if $(filter Linux,$(uname)),$(BUILD)/faults/fault.so)

$(BUILD)/faults/fault.so: spec/faults/fault.c Makefile | found $(BUILD)/faults/.there
	$(say) LD faults/fault.so
	$(Q)$(CC) -std=gnu11 $(warnings) -D_GNU_SOURCE -O2 -fPIC -shared -o $@ $< -ldl

.PHONY: faultlib
faultlib: $(fault_library)
	@:

.PRECIOUS: %/.there
%/.there:
	@mkdir -p $(@D) && touch $@

# Says what is missing before the compiler does, in words.
.PHONY: found
found:
	@command -v $(firstword $(CC)) >/dev/null || { .ci/install --explain "the C compiler '$(CC)'"; exit 1; }
	@test -f "$(LUA_INCDIR)/lua.h" || { .ci/install --explain "the headers of Lua 5.4"; exit 1; }
	@test "$(LUA_V)" = 5.4 || { echo "rt needs Lua 5.4: $(LUA_INCDIR)/lua.h is that of Lua $(LUA_V)" >&2; exit 1; }
	@echo '#include <uv.h>' | $(CC) $(UV_INCDIR:%=-I%) -E - >/dev/null 2>&1 || \
	  { .ci/install --explain "the headers of libuv"; exit 1; }

.PHONY: found_lua
found_lua:
	@LUA='$(LUA)' .ci/install lua

-include $(wildcard $(patsubst %.o,%.d,$(call objects_of,$(all_sources))) $(ground_tests:=.d) \
  $(model_objects:.o=.d) $(models:=.d))

# --- using it -------------------------------------------------------------------------------
comma := ,
empty :=
with_commas = $(subst $(empty) $(empty),$(comma),$(strip $(1)))

.PHONY: debug
debug: ## build rt-lua without optimization, with checks (SPEC=name: and run that spec with it)
	@CC='$(firstword $(CC))' .ci/install build
	@$(MAKE) FLAVOR=debug BUILD=$(BUILD)-debug all $(if $(SPEC)$(TEST),$(filter-out models,$(needs)))
	@echo "$(BUILD)-debug/rt-lua"
	$(if $(SPEC)$(TEST),@$(call run_specs,$(BUILD)-debug) --flavor debug)

.PHONY: compile_commands.json
compile_commands.json: ## for clangd and other tools: how each C file is compiled
	$(say) GEN $@
	$(Q)$(MAKE) -Bn V=1 all ground models | awk -v cc='$(firstword $(CC))' -v folder='$(CURDIR)' '\
	  $$1 == cc && / -c -o [^ ]+ [^ ]+\.c$$/ { gsub(/["\\]/, "\\\\&"); \
	    printf "%s{\"directory\": \"%s\", \"file\": \"%s\",\n \"command\": \"%s\"}", n++ ? ",\n" : "[\n", folder, $$NF, $$0 } \
	  END { print "\n]" }' >$@

.PHONY: clean
clean: ## remove build/
	rm -rf build

##@ Run

SCRIPT := examples/tour.lua

.PHONY: run
run: ## install what is missing, build, run the tour (SCRIPT=file ARGS="…": any script)
	@CC='$(firstword $(CC))' .ci/install build
	@$(MAKE) all
	$(Q)$(BUILD)/rt-lua $(call quote,$(SCRIPT)) $(ARGS)

.PHONY: profile
profile: ## where a script spends its time, by perf or callgrind (SCRIPT=file ARGS="…")
	$(if $(filter file,$(origin SCRIPT)),@echo 'usage: make profile SCRIPT=file [ARGS="…"] [TOOL=perf|callgrind]' >&2; exit 2)
	@test -r $(call quote,$(SCRIPT)) || { echo "make profile: cannot read the script "$(call quote,$(SCRIPT)) >&2; exit 2; }
	@$(MAKE) all
	@TOOL=$(TOOL) bench/profile $(BUILD)/rt-lua $(call quote,$(SCRIPT)) $(ARGS)

.PHONY: bench
bench: ## the table of benchmarks, rt beside its peers (ARGS="--only echo --runs 1"; bench/README.md)
	@$(MAKE) all
	@bench/table $(ARGS)

##@ Test (SPEC=tcp,timeout: only these files of spec/; TEST='close': only titles that match)

# the files that were chosen, and what these need beside rt-lua and core.so
specs := $(patsubst %_spec,%,$(subst $(comma), ,$(SPEC)))
needs := $(if $(specs),$(if $(filter ground oom make,$(specs)),ground) $(if $(filter model make,$(specs)),models) \
  $(if $(filter faults make,$(specs)),faultlib),ground models faultlib)

# the runner, for a build folder
run_specs = $(LUA) spec/support/run.lua --build $(1) --lua $(LUA) $(if $(specs),--only $(call with_commas,$(specs))) \
  $(if $(filter-out 0,$(REQUIRE)),--peers needed) $(if $(TEST),--filter $(call quote,$(TEST))) $(TEST_ARGS)

.PHONY: test
test: ## install what is missing, build, run the specs in rt-lua and in stock Lua
	@CC='$(firstword $(CC))' LUA='$(LUA)' .ci/install build test
	@$(MAKE) all $(needs)
	@$(call run_specs,$(BUILD))

# (what is fast and touches every folder of src/)
CHECK := task,channel,select,tcp,timeout,scope

# (make expands all lines before it runs the first: the time is that of the start)
.PHONY: check
check: found_lua ## build, layers, lint, tests in C, six fast specs (or SPEC=) in rt-lua: before a commit
	@$(MAKE) all ground $(if $(specs),$(filter models,$(needs)))
	@.ci/check $(BUILD) $(LUA) $(or $(call with_commas,$(specs)),$(CHECK)) $(shell date +%s) $(if $(TEST),--filter $(call quote,$(TEST)))

define flavor_rule
.PHONY: $(1)
$(1):
	@CC='$$(firstword $$(CC))' LUA='$$(LUA)' .ci/install build test
	@$$(MAKE) FLAVOR=$(1) BUILD=$$(BUILD)-$(1) all $$(filter-out models,$$(needs))
	@$$(call run_specs,$$(BUILD)-$(1)) --flavor $(1)
endef
$(foreach flavor,asan tsan tight,$(eval $(call flavor_rule,$(flavor))))
asan: ## the specs with the address and undefined-behaviour sanitizers
tsan: ## the specs with the thread sanitizer
tight: ## the specs with queues of 4 and buffers of 16 bytes

CHAOS := steal,preempt,short-io,delay

.PHONY: chaos
chaos: ## the same in rt-lua, with steals, switches, short reads and delays (CHAOS=…; RT_SEED=n: again)
	@$(MAKE) tight TEST_ARGS="--hosts rt-lua --chaos $(CHAOS) $(TEST_ARGS)"

.PHONY: faults
faults: ## the spec of failing system calls with each call that fails, and each error (minutes)
	@RT_FAULTS=all $(MAKE) test SPEC=faults TEST_ARGS="--hosts rt-lua"

.PHONY: ground
ground: $(ground_tests) ## build the tests in C (SPEC=ground runs them)
	@:

.PHONY: models
models: $(models) ## build the models (`make model` runs them)
	@:

PREEMPTIONS := 2

.PHONY: model
model: models ## run the C without Lua in all schedules of its threads (PREEMPTIONS=2: with so many switches)
	@failed=0; for m in $(models); do $$m --preemptions $(PREEMPTIONS) || failed=1; done; exit $$failed

.PHONY: mutants
mutants: found_lua ## small faults in the source: which do the specs notice? (MUTANTS=sync: those of src/sync)
	@$(MAKE) all
	@$(LUA) spec/support/mutants.lua $(if $(MUTANTS),--only $(call quote,$(MUTANTS))) $(MUTANTS_ARGS)

.PHONY: mutants-check
mutants-check: found_lua ## does each entry of spec/mutants apply to the source?
	@$(LUA) spec/support/mutants.lua --check

.PHONY: examples
examples: found_lua ## run every example and compare what it prints
	@$(MAKE) all
	@$(LUA) spec/support/run.lua --build $(BUILD) --lua $(LUA) --hosts rt-lua \
	  --only $(call with_commas,$(patsubst spec/%_spec.lua,%,$(wildcard spec/examples*_spec.lua)))

.PHONY: test-peers
test-peers: found_lua ## the specs with large peers, Node.js and Go (.ci/install large; REQUIRE=1: none may be missing)
	@$(MAKE) all
	@$(call run_specs,$(BUILD)) --folder spec/peers

# needs clang
SECONDS := 60
fuzz_sources := $(filter-out src/cli/main.c,$(sources))

build/fuzz/unpack: spec/fuzz/unpack.c $(fuzz_sources) $(wildcard src/*/*.h src/*/*/*.h) | build/fuzz/corpus/.there
	$(say) CC fuzz/unpack.c
	$(Q)clang -std=gnu11 -D_GNU_SOURCE -DRT_DEBUG=1 -g -O1 -fno-omit-frame-pointer \
	  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	  -I$(LUA_INCDIR) $(UV_INCDIR:%=-I%) -iquote src -o $@ $< $(fuzz_sources) $(liblua) $(uv_libs) $(system_libs)

.PHONY: fuzz
fuzz: build/fuzz/unpack ## feed the reader of messages with what a fuzzer finds (SECONDS=60; needs clang)
	cd build/fuzz && ./unpack -max_total_time=$(SECONDS) -max_len=2048 -timeout=10 -rss_limit_mb=4096 corpus

##@ Maintain

c_files := $(wildcard src/*/*.[ch] src/*/*/*.[ch] spec/ground/*.[ch] spec/model/*.[ch] spec/model/explorer/*.[ch] spec/fuzz/*.[ch] spec/faults/*.[ch] bench/*/*.[ch])

.PHONY: layers
layers: found_lua ## every include is on the list of src/README.md
	@$(LUA) spec/support/layers.lua

.PHONY: lint
lint: ## luacheck, clang-format, StyLua, shellcheck, actionlint (where they are installed)
	@.ci/lint

.PHONY: format
format: ## format the C and Lua files in place
	clang-format -i $(c_files)
	@if command -v stylua >/dev/null; then stylua lua spec examples bench library docs; else echo "stylua is not installed: npm install -g @johnnymorganz/stylua-bin"; fi

.PHONY: hooks
hooks: ## have git check format, layers and the message of each commit (.githooks)
	git config core.hooksPath .githooks

.PHONY: docs
docs: found_lua ## write docs/reference.md from library/rt.lua
	$(Q)$(LUA) docs/generate.lua

##@ Install and release

override PREFIX := $(call given,PREFIX,/usr/local)
override BINDIR := $(call given,BINDIR,$(PREFIX)/bin)
override LUADIR := $(call given,LUADIR,$(PREFIX)/share/lua/$(LUA_V))
override LIBDIR := $(call given,LIBDIR,$(PREFIX)/lib/lua/$(LUA_V))
# the definitions for editors, and the reference
override DATADIR := $(call given,DATADIR,$(PREFIX)/share/rt-lua)

install_folders := "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(LIBDIR)/rt" "$(DESTDIR)$(LUADIR)/rt" \
  "$(DESTDIR)$(DATADIR)/library" "$(DESTDIR)$(DATADIR)/docs"

.PHONY: install
install: all ## install to PREFIX (/usr/local), below DESTDIR
	$(say) INSTALL "$(DESTDIR)$(PREFIX)"
	$(Q)install -d $(install_folders) && for d in $(install_folders); do test -w "$$d" || exit; done || { \
	  echo "make install: cannot write below '$(DESTDIR)$(PREFIX)': give another folder, as in" \
	    "'make install PREFIX=\$$HOME/.local', or run it as root" >&2; exit 1; }
	$(Q)install -m 755 $(BUILD)/rt-lua "$(DESTDIR)$(BINDIR)/rt-lua"
	$(Q)install -m 755 $(BUILD)/rt-lua "$(DESTDIR)$(BINDIR)/rt-lua$(LUA_V)"
	$(Q)install -m 755 $(BUILD)/rt/core.so $(own_modules) "$(DESTDIR)$(LIBDIR)/rt/"
	$(Q)install -m 644 lua/rt/*.lua "$(DESTDIR)$(LUADIR)/rt/"
	$(Q)install -m 644 library/*.lua "$(DESTDIR)$(DATADIR)/library/"
	$(Q)install -m 644 docs/reference.md "$(DESTDIR)$(DATADIR)/docs/"

.PHONY: uninstall
uninstall: ## remove what install put there
	$(say) UNINSTALL "$(DESTDIR)$(PREFIX)"
	$(Q)rm -f "$(DESTDIR)$(BINDIR)/rt-lua" "$(DESTDIR)$(BINDIR)/rt-lua$(LUA_V)" "$(DESTDIR)$(LIBDIR)/rt/core.so"
	$(Q)for m in $(modules); do rm -f "$(DESTDIR)$(LIBDIR)/rt/$$m.so"; done
	$(Q)for f in lua/rt/*.lua; do rm -f "$(DESTDIR)$(LUADIR)/rt/$${f##*/}"; done
	$(Q)for f in library/*.lua docs/reference.md; do rm -f "$(DESTDIR)$(DATADIR)/$$f"; done
	@for d in "$(LIBDIR)/rt" "$(LUADIR)/rt" "$(DATADIR)/library" "$(DATADIR)/docs" "$(DATADIR)"; do \
	  rmdir "$(DESTDIR)$$d" 2>/dev/null || true; done

version = $(shell sed -n 's/^\#define RT_VERSION "\(.*\)"/\1/p' src/base/base.h)
archive = rt-lua-$(version)

.PHONY: dist
dist: ## pack the last commit into build/rt-lua-VERSION.tar.gz: the same bytes each time
	@.ci/dist $(archive)

.PHONY: distcheck
distcheck: ## and build it, run a script with it and install it, in a folder of its own
	@.ci/dist --check $(archive)

# (make takes the files that it includes for targets: nothing makes these)
Makefile: ;
%.d: ;
.DEFAULT:
	@echo "make: there is nothing that makes '$@'; 'make help' lists the targets" >&2; exit 2

.PHONY: help
help: ## this list
	@echo 'make [TARGET] [VARIABLE=value]'
	@awk '/^##@/ { print "\n" substr($$0, 5) } \
	  /^[a-z_.-]*:.*## / { name = text = $$0; sub(/:.*/, "", name); sub(/.*## /, "", text); printf "  %-22s %s\n", name, text }' Makefile
