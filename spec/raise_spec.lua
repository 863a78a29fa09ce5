--- A function whose name begins with rt_ raises no Lua error, and one whose name begins with rtL_
--- may. The spec follows the calls in the text of src/ down to the functions of Lua that raise.
--- What is passed as an argument (to lua_pcall) is no call, and of the calls through pointers only
--- those of rt_worker_hooks are followed.
local kit = require("kit")
local source = require("source")

local RAISING = {}
for name in
  ([[
  lua_arith lua_call lua_callk lua_compare lua_concat lua_createtable lua_error lua_getfield
  lua_getglobal lua_geti lua_gettable lua_len lua_newtable lua_newthread lua_newuserdata
  lua_newuserdatauv lua_next lua_pushcclosure lua_pushfstring lua_pushliteral lua_pushlstring
  lua_pushstring lua_pushvfstring lua_rawset lua_rawseti lua_rawsetp lua_register lua_setfield
  lua_setglobal lua_seti lua_settable lua_toclose lua_tolstring lua_tostring lua_yield lua_yieldk
  luaL_addlstring luaL_addstring luaL_addvalue luaL_argcheck luaL_argerror luaL_argexpected
  luaL_buffinit luaL_callmeta luaL_checkany luaL_checkinteger luaL_checklstring luaL_checknumber
  luaL_checkoption luaL_checkstack luaL_checkstring luaL_checktype luaL_checkudata
  luaL_checkversion luaL_error luaL_getmetafield luaL_getmetatable luaL_getsubtable luaL_gsub
  luaL_len luaL_newlib luaL_newmetatable luaL_openlibs luaL_optinteger luaL_optlstring
  luaL_optnumber luaL_optstring luaL_prepbuffer luaL_pushresult luaL_ref luaL_requiref
  luaL_setfuncs luaL_setmetatable luaL_testudata luaL_tolstring luaL_traceback luaL_typeerror
  luaL_where]]):gmatch("%S+")
do
  RAISING[name] = true
end

--- Functions that call one that raises, but not in their case: the key of the raw set, or of
--- lua_next, exists; the value whose text is taken is a string.
local CANNOT_RAISE = {
  forget_reason = "lua_rawsetp",
  remove_entry = "lua_rawseti",
  rt_error_text = "lua_tostring",
  rt_outcome_unhandled = "lua_rawseti",
  rt_start_queue_drop = "lua_rawseti",
  rt_task_handle_field = "lua_tostring",
  say_key = "lua_tolstring",
  say_step_in_table = "lua_next",
}

--- Adds the functions that the text of a file defines: calls[name] = a set of names.
local function collect(calls, text)
  local code = ("\n" .. source.without_comments(text))
    :gsub('\\"', "")
    :gsub('"[^"\n]*"', '""')
    :gsub("\n#[^\n]*", "\n")
  for head, body in code:gmatch("\n([%a][^\n;{}=]-%b()%s*)(%b{})") do
    local name = head:match("([%w_]+)%s*%b()%s*$")
    calls[name] = calls[name] or {}
    for called in body:gmatch("%f[%w_]([%a_][%w_]*)%s*%(") do
      calls[name][called] = true
    end
  end
end

--- For each function that may raise: the function that it calls which is next on the shortest path
--- to a function of Lua that raises.
local function ways_to_raise(calls)
  local callers, next_on_way, queue = {}, {}, {}
  for name, called in pairs(calls) do
    for other in pairs(called) do
      if CANNOT_RAISE[name] ~= other then
        callers[other] = callers[other] or {}
        table.insert(callers[other], name)
      end
    end
  end
  for name in pairs(RAISING) do
    queue[#queue + 1] = name
  end
  table.sort(queue)
  local i = 1
  while queue[i] do
    local called = queue[i]
    for _, name in ipairs(callers[called] or {}) do
      if not next_on_way[name] then
        next_on_way[name] = called
        queue[#queue + 1] = name
      end
    end
    i = i + 1
  end
  return next_on_way
end

--- Returns the functions with the wrong prefix, each with the reason, and how many functions were
--- checked.
local function mistakes(calls)
  local next_on_way, found, count = ways_to_raise(calls), {}, 0
  for name in pairs(calls) do
    count = count + (name:match("^rtL?_") and 1 or 0)
    if name:match("^rt_") and next_on_way[name] then
      local way = { name }
      while next_on_way[way[#way]] do
        way[#way + 1] = next_on_way[way[#way]]
      end
      found[#found + 1] = table.concat(way, " > ")
    elseif name:match("^rtL_") and not next_on_way[name] then
      found[#found + 1] = name .. " raises nothing"
    end
  end
  table.sort(found)
  return found, count
end

local calls_of_source = {}
for _, path in ipairs(source.c_files("src")) do
  collect(calls_of_source, kit.read(path))
end
local hooks = kit.read("src/host/luaopen.c"):match("rt_worker_hooks hooks = (%b{})")
for field, name in hooks:gmatch("%.([%w_]+) = ([%w_]+)") do
  calls_of_source[field] = calls_of_source[field] or {}
  calls_of_source[field][name] = true
end

--- Returns the mistakes in the source with this text added.
local function mistakes_with(text)
  local calls = {}
  collect(calls, text)
  for name, called in pairs(calls_of_source) do
    calls[name] = called
  end
  return mistakes(calls)
end

describe("rt_ and rtL_:", function()
  it("the prefix of each function says whether it may raise", function()
    local found, count = mistakes_with("")
    assert.same({}, found)
    assert.is_true(count > 700, count)
  end)

  it("each exception is a call that is there", function()
    for name, called in pairs(CANNOT_RAISE) do
      assert.is_true((calls_of_source[name] or {})[called], name)
    end
  end)

  it("the calls are followed through static functions and to the end", function()
    local found = mistakes_with([[
static void stranger(lua_State *L) {
  if (lua_gettop(L) > 0) rtL_error_no_memory(L);
}
bool rt_stranger(lua_State *L) { return rt_stranger(L) || (stranger(L), true); }
void rtL_stranger(lua_State *L) {
  /* lua_error(L); */
  lua_pushcfunction(L, rtL_error_no_memory);
  puts("lua_error(L)");
}
]])
    assert.same({
      "rtL_stranger raises nothing",
      "rt_stranger > stranger > rtL_error_no_memory > luaL_error",
    }, found)
  end)

  it("a raw set counts where the key may be new", function()
    assert.same(
      { "rt_stranger > lua_rawseti" },
      (mistakes_with("void rt_stranger(lua_State *L) { lua_rawseti(L, 1, 1); }"))
    )
  end)
end)
