--- The Makefile, the hooks of .githooks, and the lists of .ci. Nothing is built here: `make -n`
--- prints what would be done, and `-W` treats a file as changed.
local kit = require("kit")

local clean = "unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MAKE_TERMOUT MAKE_TERMERR"
  .. " FLAVOR SPEC TEST REQUIRE V; "

local make_it = kit.once(it, function(why)
  return pending(why)
end)

local function output_of(command)
  local code, out, err = kit.shell(clean .. command, 60)
  assert(code == 0, ("exit code %s of: %s\n%s%s"):format(code, command, out, err))
  return out
end

--- Returns the lines "CC file" and so on that make would print, sorted.
local function steps(arguments)
  local found = {}
  for what, name in output_of("make -n " .. arguments):gmatch("'  %%s %%s\\n' (%u+) ([^\n]*)") do
    found[#found + 1] = what .. " " .. name
  end
  table.sort(found)
  return found
end

describe("make:", function()
  make_it("compiles a changed file alone, and links what all specs need", function()
    assert.same({}, steps("all"))
    assert.same({ "CC run/loop.c", "LD rt-lua", "LD rt/core.so" }, steps("-W src/run/loop.c all"))
    assert.same({ "CP rt/scope.lua" }, steps("-W lua/rt/scope.lua all"))
  end)

  make_it(
    "compiles with other flags what was built, and links without a file that is gone",
    function()
      for _, other in ipairs { "CC='cc -pipe'", "CFLAGS='-O1 -DA=\"b c\"'" } do
        local found = table.concat(steps(other .. " all ground"), "\n")
        for _, step in ipairs { "CC run/loop.c", "LD rt-lua", "CC ground/heap.c", "LD ground/heap" } do
          assert.matches(step, found, 1, true)
        end
        assert.same(
          { "INSTALL " .. '"/nowhere/usr/local"' },
          steps(other .. " install DESTDIR=/nowhere")
        )
      end
      local without =
        "all_sources=\"$(ls src/*/*.c src/*/*/*.c | grep -v cli/main | tr '\\n' ' ')\" all"
      assert.same({ "LD rt-lua", "LD rt/core.so" }, steps(without))
      assert.same({}, steps("all"))
    end
  )

  make_it("makes a module of its own of a folder that 'modules' names", function()
    local changed = "modules=dict dict_libs=-lz -W src/dict/quota.h "
    local found = table.concat(steps(changed .. "all"), "\n")
    assert.matches("CC dict/quota.c\n", found, 1, true)
    assert.matches("LD rt/dict.so", found, 1, true)
    local links = 0
    for output, inputs in
      output_of("make -n V=1 " .. changed .. "all"):gmatch(" %-o ([^ ]+)([^\n]*)")
    do
      if output:find("rt/dict%.so$") then
        links = links + 1
        assert.matches("obj/dict/quota.o", inputs, 1, true)
        assert.matches(" %-lz$", inputs)
      elseif output:find("rt/core%.so$") or output:find("rt%-lua$") then
        links = links + 1
        assert.is_nil(inputs:find("obj/dict/", 1, true), inputs)
      end
    end
    assert.is_true(links >= 1)
  end)

  make_it("compiles what includes a changed header, tests in C and models, too", function()
    local found = table.concat(steps("-W spec/ground/is_empty.h ground"), "\n")
    assert.matches("CC ground/sock.c", found, 1, true)
    assert.is_nil(found:find("ground/heap", 1, true))
    found = table.concat(steps("-W src/event/waiter.h models"), "\n")
    assert.matches('CC "sync/channel.c (model)"', found, 1, true)
    assert.matches("LD model/channel", found, 1, true)
  end)

  make_it("builds the tests in C and the models for the specs that run them", function()
    local function built_for(arguments)
      return output_of("make -n test " .. arguments)
        :match("make all([%w ]*)")
        :gsub("^ +", "")
        :gsub(" +$", "")
    end
    assert.equal("ground models faultlib", (built_for("")))
    assert.equal("ground models faultlib", (built_for("TEST=close")))
    assert.equal("", (built_for("SPEC=tcp")))
    assert.equal("", (built_for("SPEC=tcp,timeout_spec")))
    assert.equal("ground", (built_for("SPEC=ground")))
    assert.equal("ground", (built_for("SPEC=tcp,oom")))
    assert.equal("models", (built_for("SPEC='model tcp'")))
    assert.equal("faultlib", (built_for("SPEC=faults")))
  end)

  make_it("hands on which specs, and which of their titles", function()
    for _, target in ipairs { "test", "asan", "tsan", "tight", "debug", "test-peers" } do
      local out = output_of("make -n " .. target .. ' SPEC=tcp,time TEST="it\'s" REQUIRE=1')
      assert.matches("--only tcp,time ", out, 1, true)
      assert.matches("--filter 'it'\\''s'", out, 1, true)
      assert.matches("--peers needed", out, 1, true)
    end
  end)

  make_it("is shown in the documents with titles that are there", function()
    local count = 0
    for path in output_of("ls *.md docs/*.md spec/*.md"):gmatch("[^\n]+") do
      for name, pattern in kit.read(path):gmatch("SPEC=([%w_]+) TEST='([^']*)'") do
        local found = false
        for title in kit.read(("spec/%s_spec.lua"):format(name)):gmatch('%f[%w]it%(%s*"([^"\n]*)"') do
          found = found or title:find(pattern) ~= nil
        end
        assert(found, ("%s: no title in spec/%s_spec.lua matches '%s'"):format(path, name, pattern))
        count = count + 1
      end
    end
    assert.is_true(count > 0)
  end)

  make_it("check runs other specs if it is told which", function()
    local out = output_of("make -n check SPEC=tcp,time TEST=close")
    assert.matches(" tcp,time [^ ]+ %-%-filter 'close'\n", out)
    assert.matches(" task,channel,[%w,]* [^ ]+ *\n", output_of("make -n check"))
  end)

  --- A folder with the header of another Lua.
  local function other_lua()
    local folder = kit.file(nil, ".lua5.1")
    os.execute("mkdir " .. folder)
    local file = assert(io.open(folder .. "/lua.h", "w"))
    file:write("#define LUA_VERSION_NUM 501\n")
    file:close()
    return folder
  end

  make_it("removes from the build folder what was removed from lua/rt", function()
    local folder = kit.file(nil, ".build")
    os.execute(
      ("mkdir -p %s/rt && touch %s/rt/gone.lua %s/rt/init.lua"):format(folder, folder, folder)
    )
    output_of("make -n all BUILD=" .. folder)
    assert.equal("init.lua\n", output_of("ls " .. folder .. "/rt"))
  end)

  make_it("puts a flavour beside the build folder that it is told", function()
    local out = output_of("make -n tsan BUILD=build/here SPEC=task")
    assert.matches("FLAVOR=tsan BUILD=build/here-tsan all", out, 1, true)
    assert.matches("--build build/here-tsan", out, 1, true)
  end)

  make_it("refuses what it cannot do before it begins", function()
    for command, message in pairs {
      ["make nonsense"] = "there is nothing that makes 'nonsense'; 'make help' lists the targets",
      ["make found LUA_INCDIR=" .. other_lua()] = "/lua.h is that of Lua 5.1",
      ["make profile SCRIPT=nofile.lua"] = "cannot read the script nofile.lua",
      ["bench/table --only zzz"] = "no row has 'zzz' in it; the benchmarks: echo, ",
      [".ci/run --help"] = "usage: bash .ci/run ",
      ["LUA=nonsense .ci/install test"] = "not found: an interpreter of Lua 5.4 ('nonsense')",
    } do
      local code, out, err = kit.shell(clean .. command)
      assert.is_true(code > 0 and out == "", command)
      assert.matches(message, err, 1, true)
    end
  end)

  make_it("runs one job a core, unless it is told how many", function()
    local file = kit.file("include Makefile\nshow:\n\t@echo $(filter -j%,$(MAKEFLAGS))\n", ".mk")
    local function jobs(before, arguments)
      return output_of(("%s make -f %s show %s"):format(before, file, arguments or "")):match(
        "%-j(%d*)"
      )
    end
    assert.equal(output_of("nproc"):match("%d+"), jobs(""))
    assert.equal("1", jobs("", "-j1"))
    assert.equal("3", jobs("", "-j3"))
    assert.equal("4", jobs("", "--jobs=4"))
    assert.equal("", jobs("", "-kj"))
    assert.equal("5", jobs("MAKEFLAGS=-j5"))
  end)

  make_it("prints a line a file, with V=1 the commands, with -s nothing", function()
    local loud = output_of("make -n -W src/run/loop.c V=1 all")
    assert.matches(" %-c %-o [^ ]*/run/loop%.o src/run/loop%.c\n", loud)
    assert.is_nil(loud:find("printf", 1, true))
    assert.is_nil(output_of("make -n -s -W src/run/loop.c all"):find("printf", 1, true))
  end)

  make_it("help names every target that is meant to be called", function()
    local help = output_of("make help")
    local internal = { changed = true, found = true, found_lua = true, faultlib = true }
    for names in kit.read("Makefile"):gmatch("\n%.PHONY: ([%w_. -]*)\n") do
      for name in names:gmatch("[%w_.-]+") do
        assert(internal[name] or help:find("\n  " .. name .. " ", 1, true), name)
      end
    end
    for line in help:gmatch("[^\n]+") do
      assert(utf8.len(line) <= 120, line)
    end
  end)

  make_it("compile_commands.json has every C file, with its flags", function()
    local file = kit.file(nil, ".json")
    output_of(
      ("cp compile_commands.json %s.kept 2>/dev/null; make compile_commands.json && mv compile_commands.json %s; mv %s.kept compile_commands.json 2>/dev/null || true"):format(
        file,
        file,
        file
      )
    )
    local text = kit.read(file)
    assert.matches('^%[\n{"directory": "/', text)
    assert.matches('"}\n%]\n$', text)
    for path in output_of("ls src/*/*.c src/*/*/*.c spec/ground/*.c"):gmatch("[^\n]+") do
      assert(text:find(('"file": "%s"'):format(path), 1, true), path)
    end
    assert.matches("-DRT_MODEL='\\\"", text, 1, true)
  end)
end)

describe("the message about what is missing:", function()
  --- Asserts that stderr explains how to install this.
  local function explains(what, err)
    assert.matches("^rt: not found: " .. what .. "%. ", err)
    for _, install in ipairs { "apt%-get install gcc ", "dnf install", "apk add", "brew install" } do
      assert.matches(install, err)
    end
  end

  make_it("is that of a command which is there", function()
    for _, path in ipairs { "Makefile", "spec/support/run.lua" } do
      local count = 0
      for command in kit.read(path):gmatch("([%w_./]+ %-%-explain)") do
        count = count + 1
        local code, out, err = kit.shell(command .. " 'a thing'")
        assert.same({ 0, "" }, { code, out }, command)
        explains("a thing", err)
      end
      assert.is_true(count > 0, path)
    end
  end)

  make_it("is printed by the runner where busted is missing", function()
    local run = "unset LUA_PATH_5_4; LUA_PATH=./?.lua lua5.4 spec/support/run.lua"
    local code, out, err = kit.shell(clean .. run)
    assert.same({ 1, "" }, { code, out })
    explains("busted, the module of 'lua5%.4'", err)
  end)
end)

describe("an interrupt:", function()
  --- Waits until this file has the id of a process.
  local function pid_in(path)
    return kit.wait_for(function()
      local f <close> = io.open(path)
      return f and f:read("n")
    end, 30, "a process")
  end

  local function is_gone(pid)
    kit.wait_for(function()
      return not os.execute(("kill -0 %d 2>/dev/null"):format(pid))
    end, 10, "the end of the process")
  end

  make_it("ends the runner and what its specs have started, in one line", function()
    local folder, pid_file = kit.file(nil, ".specs"), kit.file(nil, ".pid")
    assert(os.execute("mkdir " .. folder))
    local f = assert(io.open(folder .. "/endless_spec.lua", "w"))
    f:write(
      ("it('x', function() require('kit').shell('echo $$ >%s; exec sleep 60') end)"):format(
        pid_file
      )
    )
    f:close()
    local it = kit.start(
      ("TMPDIR=%s lua5.4 spec/support/run.lua --build %s --hosts rt-lua --folder %s"):format(
        folder,
        kit.quote(kit.build),
        folder
      )
    )
    local sleeper = pid_in(pid_file)
    it:signal("INT")
    assert.equal(130, it:wait())
    assert.matches("run.lua: interrupted %(0 passed, 0 failed%)\n$", it:output())
    is_gone(sleeper)
    assert.equal("endless_spec.lua\n", output_of("ls " .. folder))
  end)

  -- (kit.start has SIGINT ignored, and a shell cannot change that)
  make_it("ends the tests in C of make check", function()
    local build, pid_file = kit.file(nil, ".build"), kit.file(nil, ".pid")
    assert(os.execute(("mkdir -p %s/ground %s/tmp"):format(build, build)))
    assert(
      os.execute(
        ("printf '#!/bin/sh\necho $$ >%s\nexec sleep 60\n' >%s/ground/pack && chmod +x %s/ground/pack"):format(
          pid_file,
          build,
          build
        )
      )
    )
    local it = kit.start(("TMPDIR=%s/tmp .ci/check %s lua5.4 none"):format(build, build))
    local sleeper = pid_in(pid_file)
    it:signal("TERM")
    assert.equal(143, it:wait(60))
    assert.matches("check: interrupted\n", it:output(), 1, true)
    is_gone(sleeper)
    assert.equal("", output_of(("ls %s/tmp"):format(build)))
  end)
end)

describe("the hook commit-msg:", function()
  --- Returns whether the hook accepts this message, for a commit that changes this file of an empty
  --- repository.
  local function accepts(message, changed)
    local folder = kit.file(nil, ".repository")
    local file = kit.file(message, ".message")
    local code, out, err = kit.shell(
      ('unset GIT_DIR GIT_INDEX_FILE; git init -q %s && cd %s && mkdir -p $(dirname %s) && touch %s && git add . && "%s"/.githooks/commit-msg %s'):format(
        folder,
        folder,
        changed,
        changed,
        "$OLDPWD",
        file
      )
    )
    assert(code <= 1 and out == "" and (code == 0) == (err == ""), err)
    return code == 0
  end

  make_it("takes a subject of 72 columns with an area, and a body where src/ changes", function()
    assert.is_true(accepts("docs: a page\n", "docs/a.md"))
    assert.is_true(accepts("lib/net, spec: räume\n\nWhy.\n# a comment\n", "src/a.c"))
    assert.is_true(accepts('Revert "spec: a thing"\n', "src/a.c"))
    assert.is_true(accepts("make: " .. ("ä"):rep(66) .. "\n", "Makefile"))
    assert.is_false(accepts("make: " .. ("ä"):rep(67) .. "\n", "Makefile"))
    assert.is_false(accepts("a page\n", "docs/a.md"))
    assert.is_false(accepts("docs: a page.\n", "docs/a.md"))
    assert.is_false(accepts("docs: a page\nmore\n", "docs/a.md"))
    assert.is_false(accepts("run: a thing\n", "src/a.c"))
    assert.is_false(accepts("run: a thing\n\nSigned-off-by: A <a@b.c>\n# no more\n", "src/a.c"))
  end)
end)

describe("the folder of temporary files:", function()
  make_it("has a path that needs no quotes, whatever is in TMPDIR", function()
    local odd = kit.file(nil, ".with blanks")
    assert(os.execute(("mkdir %s"):format(kit.quote(odd))))
    local command =
      "TMPDIR=%s LUA_PATH='spec/support/?.lua' lua5.4 -e 'print(require(\"scratch\")())'"
    local path = output_of(command:format(kit.quote(odd))):match("^([%w/._-]+)\n$")
    assert(os.execute("rmdir " .. path))
    path = output_of(command:format(kit.dir())):match("^([%w/._-]+)\n$")
    assert.equal(kit.dir(), path:match("^(.*)/"))
  end)
end)

describe("the list of packages:", function()
  make_it("names specs that are there", function()
    local with_specs =
      kit.read(".ci/packages"):gsub("%[build%].-%[test%]", ""):gsub("%[lint%].-%[large%]", "")
    for package, comment in with_specs:gmatch("\n([%w.+-]+) +# ([^\n]*)") do
      for names in comment:match("^[^:]*"):gmatch("[^,]+") do
        local name = names:match("^ *([%w_/]+) *$") -- "name?" is a spec to come
        local file = name and io.open(("spec/%s_spec.lua"):format(name))
        assert(file or not name, ("%s: spec/%s_spec.lua is not there"):format(package, name))
        if file then
          file:close()
        end
      end
    end
  end)
end)
