--- Calls every function of rt and every method of its objects with nothing, with nil, and with values
--- of wrong types, and prints each message that does not name the argument and the function as this
--- program gave them, at the line of this program.
local rt = require("rt")

local function endless()
  rt.sleep(math.huge)
end

local listener = assert(rt.tcp.listen("127.0.0.1", 0))
local stream = assert(rt.tcp.connect("127.0.0.1", (select(2, listener:sock()))))
local watch, broadcast = rt.watch(1), rt.broadcast(2)
local objects = {
  rt.spawn_local(endless),
  rt.spawn(endless),
  listener,
  stream,
  rt.channel(1),
  rt.dict(),
  rt.mutex {},
  rt.mutex(1):lock(),
  rt.semaphore(3),
  rt.semaphore(3):permit(),
  rt.notify(),
  rt.barrier(2),
  rt.once(),
  watch,
  watch:subscribe(),
  broadcast,
  broadcast:subscribe(),
  rt.interval(1),
  assert(rt.tcp.serve("127.0.0.1", 0, endless, { balance = "handoff" })),
}
rt.scope(function(scope)
  objects[#objects + 1] = scope
end)

--- Returns the message that the call raises. (The name that Lua's own functions find for a function is
--- that of the call, so the call is made of its text.)
local function refusal_of(call, object)
  local f = assert(load("local o = ... o" .. call, "=program"))
  local ok, err = pcall(f, object)
  return not ok and err or nil
end

--- The same for a call that may be right, and then wait: nil.
local function message_of(call, object)
  local message
  rt.timeout(0, function()
    local err = refusal_of(call, object)
    message = getmetatable(err) ~= rt.Cancelled and err or nil
  end)
  return message
end

local count = 0
local function check(call, message, ...)
  count = count + 1
  for _, form in ipairs { ... } do
    if tostring(message):match("^program:1: " .. form .. "$") then
      return
    end
  end
  print(call, message)
end

--- What would end the program, or write.
local skipped = { shutdown = true, dump = true }

local function sorted(functions)
  local names = {}
  for name, f in pairs(functions) do
    if type(name) == "string" and type(f) == "function" and not skipped[name] then
      names[#names + 1] = not name:find("^__") and name or nil
    end
  end
  table.sort(names)
  return names
end

--- What is given, and what it is called.
local given = {
  { "()", "no value" },
  { "(nil)", "nil" },
  { "(io.stdout)", "FILE%*" },
  { "(coroutine.create(print))", "thread" },
}

local function refusal(name, expected, got)
  return ("bad argument #1 to '%s' %%(%s expected, got %s%%)"):format(name, expected, got)
end

--- For functions whose first argument may be nil.
local function second_refusal(name)
  return ("bad argument #2 to '%s' %%(.* expected, got no value%%)"):format(name)
end

local function try_functions(functions)
  for _, name in ipairs(sorted(functions)) do
    for _, it in ipairs(given) do
      local message = message_of("." .. name .. it[1], functions)
      if message and not message:find("cannot send value 1") then -- (all values may be given)
        check(name .. it[1], message, refusal(name, ".*", it[2]), second_refusal(name))
      end
    end
  end
end

local function try_methods(object)
  local metatable = debug.getmetatable(object)
  local class, index = metatable.__name, metatable.__index
  local methods = type(index) == "function" and select(2, debug.getupvalue(index, 2)) or index
  for _, name in ipairs(sorted(methods)) do
    for _, it in ipairs(given) do
      local message = refusal_of("." .. name .. it[1], methods)
      check(class .. "." .. name .. it[1], message, refusal(name, class, it[2]))
      message = name ~= "close" and message_of(":" .. name .. it[1], object)
      if message and message:find("argument") then -- (else the object is in a wrong state)
        local any = ("bad argument #1 to '%s' %%(value expected%%)"):format(name)
        check(class .. ":" .. name .. it[1], message, refusal(name, ".*", it[2]), any)
      end
    end
  end
end

try_functions(rt)
try_functions(rt.tcp)
for _, object in ipairs(objects) do
  try_methods(object)
end
print(count > 500 and "checked" or count)
os.exit(0)
