--- library/rt.lua documents exactly the functions and fields of the module; docs/reference.md has
--- the same.
local kit = require("kit")
local rt = require("rt")

--- What the library defines: documented[class][name] = "function" or "field".
local function read_library()
  local documented, class = {}, nil
  for line in io.lines("library/rt.lua") do
    local of = line:match("^%-%-%-@class (%S+)")
    local field = line:match("^%-%-%-@field (%S+)")
    local kind = line:match("^function [%w_]+[.:]([%w_]+)%(")
    if of then
      class = of
      documented[class] = {}
    elseif field then
      documented[class][field] = "field"
    elseif kind then
      local owner = ({ rt = "rt", tcp = "rt.tcp" })[line:match("^function ([%w_]+)%.")]
      documented[owner or class][kind] = "function"
    end
  end
  return documented
end

local function names_of(t, how)
  local names = {}
  for name, kind in pairs(t) do
    if type(name) == "string" and name:sub(1, 2) ~= "__" and (how == nil or kind == how) then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

--- Returns the methods of an object: from its __index, or from the upvalue if that is a function.
local function methods_of(object)
  local index = debug.getmetatable(object).__index
  return type(index) == "function" and select(2, debug.getupvalue(index, 2)) or index
end

describe("library/rt.lua", function()
  local documented = read_library()

  it("has every name of the module, and nothing else", function()
    assert.same(names_of(rt), names_of(documented.rt))
    assert.same(names_of(rt.tcp), names_of(documented["rt.tcp"]))
    for name, kind in pairs(documented.rt) do
      assert.equal(kind == "function", type(rt[name]) == "function", name)
    end
  end)

  it("has every name of rt.core, but for those in rt.core.internal", function()
    for name in pairs(require("rt.core")) do
      assert(name == "internal" or documented.rt[name], name)
    end
  end)

  it("has every class, with every method, and nothing else", function()
    local listener <close> = assert(rt.tcp.listen("127.0.0.1", 0))
    local stream <close> = assert(rt.tcp.connect("127.0.0.1", (select(2, listener:sock()))))
    local server <close> = assert(rt.tcp.serve("127.0.0.1", 0, print))
    local scope
    rt.scope(function(it)
      scope = it
    end)
    local objects = {
      rt.spawn(function() end),
      rt.spawn_local(function() end),
      rt.channel(),
      rt.dict(),
      rt.mutex(),
      rt.mutex():lock(),
      rt.semaphore(1),
      rt.semaphore(1):permit(),
      rt.limiter { rate = 1 },
      rt.notify(),
      rt.barrier(1),
      rt.once(),
      rt.watch(),
      rt.watch():subscribe(),
      rt.broadcast(1),
      rt.broadcast(1):subscribe(),
      rt.interval(1),
      rt.builder {},
      rt.default_op(),
      listener,
      stream,
      server,
      scope,
    }
    local seen = {
      ["rt"] = true,
      ["rt.tcp"] = true,
      ["rt.Cancelled"] = true,
      ["rt.errors"] = true,
      ["rt.task_info"] = true,
      ["rt.counts"] = true,
      ["rt.totals"] = true,
    }
    for _, object in ipairs(objects) do
      local class = debug.getmetatable(object).__name
      assert(documented[class], class .. " is not there")
      assert.same(names_of(methods_of(object)), names_of(documented[class], "function"), class)
      seen[class] = true
    end
    for class in pairs(documented) do
      assert(seen[class], class .. " is not looked at here")
    end
  end)

  it("tells the fields of what rt.tasks returns", function()
    rt.spawn_local(rt.sleep, 60).name = "a name"
    rt.yield()
    for _, info in ipairs(rt.tasks()) do
      for field in pairs(info) do
        assert(documented["rt.task_info"][field], field)
      end
    end
  end)

  it("tells the fields of tasks and errors", function()
    local task = rt.spawn_local(rt.sleep, 60)
    task.name = "a name"
    for field in pairs(documented["rt.task"]) do
      assert(task[field], field)
    end
    rt.yield()
    task:cancel("a reason")
    local _, err = pcall(task.join, task)
    local counts = {}
    for name, value in pairs(rt.metrics()) do
      local documented_in = math.type(value) and "rt.counts" or "rt.totals"
      counts[documented_in] = counts[documented_in] or {}
      counts[documented_in][name] = true
    end
    for class, fields in pairs(counts) do
      assert.same(names_of(fields), names_of(documented[class]), class)
    end
    assert.equal(rt.Cancelled, getmetatable(err))
    for _, field in ipairs(names_of(documented["rt.Cancelled"])) do
      local expected = { reason = "a reason", source = "library_spec.lua:%d+", signal = "^nil$" }
      assert.matches(expected[field], tostring(err[field]))
    end
    _, err = pcall(rt.scope, function(scope)
      for i = 1, 2 do
        scope:spawn_local(error, i)
      end
    end)
    assert.equal("rt.errors", getmetatable(err).__name)
    assert.same({ "errors", "n", "traces" }, names_of(documented["rt.errors"]))
    assert.same({ 2, 2 }, { #err.errors, err.n })
  end)

  it("marks what may wait: a call of it in a comparator is refused, of the others not", function()
    local async, waiting = false, {}
    for line in io.lines("library/rt.lua") do
      local name = line:match("^function rt%.([%w_]+)%(")
      async = async or line == "---@async"
      if line:match("^function ") then
        waiting[name or ""] = async
        async = false
      end
    end
    local calls = {
      sleep = { 0 },
      yield = {},
      join = { function() end },
      run = { function() end },
      now = {},
      current = {},
      workers = {},
      traceback = {},
    }
    local gone_wrong
    rt.spawn_local(function()
      for name, args in pairs(calls) do
        local ok = pcall(table.sort, { 1, 2 }, function()
          rt[name](table.unpack(args))
        end)
        if ok == waiting[name] then
          gone_wrong = name
        end
      end
    end):join()
    assert.is_nil(gone_wrong)
  end)

  it("is what docs/reference.md was generated from", function()
    local path = kit.file(nil, ".md")
    local code, out, err = kit.shell(
      ("env %s %s docs/generate.lua library/rt.lua %s"):format(
        kit.host_env,
        kit.quote(kit.host),
        path
      )
    )
    assert.same({ 0, "", "" }, { code, out, err })
    local hint = "docs/reference.md is out of date: lua5.4 docs/generate.lua"
    assert(kit.read(path) == kit.read("docs/reference.md"), hint)
  end)
end)
