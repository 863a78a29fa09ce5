--- rt-lua compared with the stock interpreter: the same command line, in the same folder, must give
--- the same output.
local assert = require("luassert")
local kit = require("kit")

local stock = {}

local output_of = require("shell").output_of

--- The folder of the build, where rt-lua finds its own modules.
stock.own = output_of("readlink -f " .. kit.quote(kit.build))

--- Both are called "lua", each in a folder of its own, so that the program name in messages is the
--- same.
local bin = {}
local programs = { rt = kit.rt_lua, stock = output_of("command -v lua5.4 || command -v lua") }
for name, program in pairs(programs) do
  bin[name] = kit.dir() .. "/" .. name
  assert(
    os.execute(("mkdir %s && ln -s %s %s/lua"):format(bin[name], kit.quote(program), bin[name]))
  )
end

--- The folder in which the command lines run.
local work = kit.dir() .. "/work"
assert(os.execute("mkdir -p " .. work .. "/sub"))

--- Writes files to that folder: their names and texts.
function stock.write(files)
  for name, text in pairs(files) do
    local f <close> = assert(io.open(work .. "/" .. name, "w"))
    f:write(text)
  end
end

--- Copies programs of this spec to that folder: a.lua, …
function stock.copy(...)
  for _, name in ipairs { ... } do
    stock.write { [name .. ".lua"] = kit.read(kit.program(name)) }
  end
end

local clean = "cd "
  .. work
  .. "; unset LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4 LUA_INIT LUA_INIT_5_4 LD_PRELOAD; "

--- Runs a command in which `lua` is one of the two, "rt" or "stock". Returns exit code, stdout,
--- stderr.
function stock.run_as(which, command)
  return kit.shell(clean .. "PATH=" .. bin[which] .. ":$PATH; " .. command)
end

local function plain(text)
  return (text:gsub("%p", "%%%0"))
end

--- rt-lua looks for modules beside itself, too.
local function without_own_places(text)
  text = text:gsub("\n\tno file '" .. plain(stock.own) .. "/[^']*'", "")
  return (text:gsub(plain(stock.own) .. "/[^;\n]*;", ""))
end

--- Replaces what differs from run to run, or with the depth of the main chunk on the C stack.
local function without_numbers(text)
  return (text:gsub("0x%x+", "0x"):gsub("skipping %d+ levels", "skipping levels"))
end

--- Asserts that both give the same answer { code =, out =, err = }; returns it. `adjust(answer,
--- which)`, if given, returns the answer that is compared.
function stock.same(command, adjust)
  local answers = {}
  for _, which in ipairs { "stock", "rt" } do
    local code, out, err = stock.run_as(which, command)
    local answer = { code = code, out = without_numbers(out), err = without_numbers(err) }
    if which == "rt" then
      answer.out = without_own_places(answer.out)
      answer.err = without_own_places(answer.err)
    end
    answers[which] = adjust and adjust(answer, which) or answer
  end
  assert.not_equal(124, answers.stock.code)
  assert.same(answers.stock, answers.rt)
  return answers.rt
end

--- Defines a spec for each title = command; `it` is that of the spec file.
function stock.all_same(it, cases)
  for title, command in require("pl.tablex").sort(cases) do
    it(title, function()
      stock.same(command)
    end)
  end
end

return stock
