--- What make and LuaRocks install works in the place where it was installed.
local kit = require("kit")

--- Commands run in a fresh copy of the sources, without the environment variables that the specs
--- and make have set.
local clean = "unset LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4 LUA_INIT LUA_INIT_5_4 RT_BUILD;"
  .. " unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MAKE_TERMOUT MAKE_TERMERR FLAVOR CFLAGS; "

local function try(command, seconds)
  return kit.shell(clean .. command, seconds or 60)
end

--- Runs a command that must succeed; returns its output.
local function ok(command, seconds)
  local code, out, err = try(command, seconds)
  assert(code == 0, ("exit code %s of: %s\n%s%s"):format(code, command, out, err))
  return out
end

local function copy_of_sources()
  local dir = kit.file(nil, ".sources")
  ok(
    ("mkdir %s && tar cf - --exclude=./build --exclude=./.git . | tar xf - -C %s"):format(dir, dir)
  )
  return dir
end

--- Returns the first of these commands that is installed.
local function first_of(...)
  for _, command in ipairs { ... } do
    if try(command) == 0 then
      return command:match("^(.*) ")
    end
  end
end

local stock = first_of("lua5.4 -v", "lua -v")
local luarocks = first_of("luarocks-5.4 --version", "luarocks --lua-version=5.4 --version")

local program = "local rt = require 'rt'; local t = rt.now(); rt.run(rt.sleep, 0.002)"
  .. " assert(rt.now() - t >= 0.002) print(package.searchpath('rt', package.path))"

--- Both interpreters find rt in the folder of the installation; rt-lua without LUA_PATH.
local function works_in(tree)
  local init = tree .. "/share/lua/5.4/rt/init.lua\n"
  for _, name in ipairs { "rt-lua", "rt-lua5.4" } do
    assert.equal(init, ok(("cd / && '%s/bin/%s' -e %s"):format(tree, name, kit.quote(program))))
  end
  assert.equal(
    init,
    ok(
      ([[cd / && LUA_PATH='%s/share/lua/5.4/?.lua;%s/share/lua/5.4/?/init.lua' \
    LUA_CPATH='%s/lib/lua/5.4/?.so' %s -e %s]]):format(
        tree,
        tree,
        tree,
        stock,
        kit.quote(program)
      )
    )
  )
end

local function files_in(dir)
  local files = {}
  for file in ok(("cd '%s' && find . ! -type d | sort"):format(dir)):gmatch("%./([^\n]*)\n") do
    files[#files + 1] = file
  end
  return files
end

--- The files that make install puts into a tree.
local function expected_files()
  local files = { "bin/rt-lua", "bin/rt-lua5.4", "lib/lua/5.4/rt/core.so" }
  for name in ok("ls lua/rt"):gmatch("[^\n]+") do
    files[#files + 1] = "share/lua/5.4/rt/" .. name
  end
  files[#files + 1] = "share/rt-lua/docs/reference.md"
  files[#files + 1] = "share/rt-lua/library/rt.lua"
  table.sort(files)
  return files
end

local install_it = kit.once(it, function(why)
  return pending(why)
end)

describe("make install:", function()
  local sources
  local function make(arguments)
    sources = sources or copy_of_sources()
    return ok(("make -C %s %s"):format(sources, arguments), 120)
  end

  install_it("below DESTDIR, everything is there, works, and goes again", function()
    local root = kit.file(nil, ".root")
    make("install PREFIX=/usr DESTDIR=" .. root)
    local expected = {}
    for i, file in ipairs(expected_files()) do
      expected[i] = "usr/" .. file
    end
    assert.same(expected, files_in(root))
    works_in(root .. "/usr")
    make("uninstall PREFIX=/usr DESTDIR=" .. root)
    assert.same({}, files_in(root))
    assert.equal("", ok(("find %s -name 'rt*'"):format(root)))
  end)

  install_it("below PREFIX, rt-lua finds its module from anywhere", function()
    local tree = kit.file(nil, ".tree")
    make("install PREFIX=" .. tree)
    assert.same(expected_files(), files_in(tree))
    works_in(tree)
    local init = tree .. "/share/lua/5.4/rt/init.lua\n"
    local elsewhere = kit.file(nil, ".elsewhere")
    ok(
      ("mkdir %s && ln -s %s/bin/rt-lua %s/lua && ln -s lua %s/again"):format(
        elsewhere,
        tree,
        elsewhere,
        elsewhere
      )
    )
    local e = " -e " .. kit.quote(program)
    assert.equal(init, ok(elsewhere .. "/lua" .. e)) -- through a symlink,
    assert.equal(init, ok(elsewhere .. "/again" .. e)) -- and through a symlink to one
    assert.equal(init, ok(("PATH=%s:$PATH; lua"):format(elsewhere) .. e)) -- through PATH
    assert.equal(init, ok(("cd %s/share && ../bin/rt-lua"):format(tree) .. e)) -- from a relative place
    -- it is found without package.path, which is what LUA_PATH says
    local without = ("LUA_PATH=x LUA_CPATH=x %s/bin/rt-lua"):format(tree)
    assert.equal("nil\tno file 'x'\n", ok(without .. e))
    assert.equal(init, ok(("LUA_PATH=x %s/bin/rt-lua -E"):format(tree) .. e))
  end)

  install_it("a second time over the first, and uninstall leaves what is not its own", function()
    local tree = kit.file(nil, ".tree")
    make("install PREFIX=" .. tree)
    ok(("touch %s/share/lua/5.4/other.lua %s/share/lua/5.4/rt/other.lua"):format(tree, tree))
    make("install PREFIX=" .. tree)
    works_in(tree)
    make("uninstall PREFIX=" .. tree)
    assert.same({ "share/lua/5.4/other.lua", "share/lua/5.4/rt/other.lua" }, files_in(tree))
  end)

  install_it("into a folder with a blank in its name", function()
    local tree = kit.file(nil, ".tree with blanks")
    make(("install PREFIX='%s'"):format(tree))
    assert.same(expected_files(), files_in(tree))
    works_in(tree)
  end)

  install_it("where other folders are asked for, and where empty values are given", function()
    local tree = kit.file(nil, ".tree")
    make(
      (
        "install PREFIX= BINDIR=%s/b LIBDIR=%s/l LUADIR=%s/s DATADIR=%s/d"
        .. " LUA_LIBDIR= LUALIB= LUA_VERSION= UV_LIBDIR="
      ):format(tree, tree, tree, tree)
    )
    local first = {
      "b/rt-lua",
      "b/rt-lua5.4",
      "d/docs/reference.md",
      "d/library/rt.lua",
      "l/rt/core.so",
    }
    for i, file in ipairs(files_in(tree)) do
      assert.equal(first[i] or file:match("^s/rt/%w+%.lua$"), file)
    end
    local path = ("LUA_PATH='%s/s/?.lua;%s/s/?/init.lua'"):format(tree, tree)
    assert.equal(
      tree .. "/s/rt/init.lua\n",
      ok(("%s %s/b/rt-lua -e %s"):format(path, tree, kit.quote(program)))
    )
  end)

  install_it("says what to do where it cannot write", function()
    local file = kit.file("", "")
    local code, _, err = try(("make -C %s install PREFIX=%s/x"):format(sources, file))
    assert.equal(2, code)
    assert.matches(("cannot write below '%s/x': give another folder"):format(file), err, 1, true)
    assert.matches("make install PREFIX=$HOME/.local", err, 1, true)
  end)

  install_it("builds nothing again", function()
    make("all")
    assert.is_nil(make("install DESTDIR=" .. kit.file(nil, ".root")):find("CC ", 1, true))
  end)

  install_it("the module brings no second Lua into an interpreter", function()
    make("all")
    assert.is_nil(ok(("ldd %s/build/lua5.4/rt/core.so"):format(sources)):find("liblua", 1, true))
  end)
end)

describe("make test, where there is no apt:", function()
  --- Makes a folder with these programs only, and returns it as a PATH.
  local function only(...)
    local dir = kit.file(nil, ".bin")
    ok(
      ("mkdir %s && for p in sh make cc sed tail grep uname cat ls find sort curl nc; do ln -s $(command -v $p) %s/$p; done"):format(
        dir,
        dir
      )
    )
    for _, name in ipairs { ... } do
      ok(("ln -s $(command -v %s) %s/%s"):format(stock, dir, name))
    end
    return "PATH=" .. dir .. " "
  end

  local function says(what, command)
    local code, out, err = try(command)
    assert.is_not.equal(0, code)
    assert.is_nil(out:find("CC ", 1, true)) -- before it builds anything
    assert.equal("rt: not found: " .. what .. ". ", err:match("^[^\n]-%. "))
    for _, install in ipairs { "apt%-get install", "dnf install", "apk add", "brew install" } do
      assert.matches(install, err)
    end
  end

  local test = "make test SPEC=nothing"

  install_it("an interpreter of 5.4 is needed, and asked for by its name", function()
    says("an interpreter of Lua 5.4 ('lua5.4')", only() .. test)
    says("an interpreter of Lua 5.4 ('lua5.4')", only() .. "make layers")
  end)

  install_it("it may be called 'lua'; then busted is what is missing", function()
    local path = "LUA_PATH='./?.lua' " .. only("lua")
    ok(path .. "make layers")
    says("busted, the module of 'lua'", path .. test)
    says("busted, the module of 'lua5.4'", "LUA_PATH='./?.lua' " .. only("lua", "lua5.4") .. test)
  end)

  install_it("nothing is missing where all is there", function()
    ok(only("lua5.4") .. ".ci/install build test")
  end)
end)

describe("luarocks make:", function()
  local sources, tree

  --- Runs LuaRocks without a server and without a configuration.
  local function rocks(arguments)
    sources = sources or copy_of_sources()
    tree = tree or kit.file(nil, ".tree")
    local alone = "export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 HOME="
      .. tree
    return ok(
      ("cd %s && %s && %s %s --tree=%s"):format(sources, alone, luarocks, arguments, tree),
      120
    )
  end

  local function rocks_it(title, f)
    install_it(title, function()
      if not luarocks then
        return pending("no peer: luarocks")
      end
      f()
    end)
  end

  rocks_it(
    "installs offline, module and interpreter find each other; twice; and it goes again",
    function()
      for _ = 1, 2 do
        rocks("make")
        works_in(tree)
        local folder = rocks("show --rock-dir rt-lua"):match("[^\n]+")
        for _, file in ipairs { "docs/reference.md", "library/rt.lua" } do
          ok(("test -f '%s/%s'"):format(folder, file))
        end
        assert.matches("^rt%-lua\tscm%-1\tinstalled\t", rocks("list --porcelain"))
      end
      rocks("remove rt-lua")
      assert.equal("", ok(("find %s -name 'rt*'"):format(tree)))
    end
  )

  rocks_it("the rockspec is one that LuaRocks has nothing to say about", function()
    rocks("lint rockspec/rt-lua-scm-1.rockspec")
  end)
end)
