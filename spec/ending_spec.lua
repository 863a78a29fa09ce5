--- One SIGTERM or SIGINT ends rt-lua within the grace, whatever blocks, and it dies of that signal.
-- The situations are those of spec/programs/ending/situation.lua.
local kit = require("kit")
local rt = require("rt")

local GRACE = 5 -- seconds
local AT_ONCE = 24 -- programs that run at the same time

local NUMBERS = { INT = 2, TERM = 15 }

--- Does the program compute when it is ready, so that it never sleeps?
local function computes(situation)
  for _, word in ipairs { "loop", "pattern", "yields", "finalizer", "no_text" } do
    if situation:find(word, 1, true) then
      return true
    end
  end
end

--- How many seconds it may take. In a scope the task is interrupted with the main chunk, not at the
--- end of the grace.
local function most(situation, place)
  local is_interrupted = place == "scope" and not situation:find("shield", 1, true)
  return is_interrupted and GRACE - 1 or GRACE + 1
end

local function read(path)
  local f = io.open(path)
  local text = f and f:read("a")
  if f then
    f:close()
  end
  return text or ""
end

--- Starts a situation, sends the signal when it blocks, and returns how the program ended
--- ("signal 15"), and how long after the signal.
local function end_one(situation, place, signal)
  local base = kit.file(nil, "")
  local command = ("exec 0<>%s.in 1<>%s.out 2>%s.err; echo $$ >%s.pid; exec %s %s %s %s %s.fifo"):format(
    base,
    base,
    base,
    base,
    kit.rt_lua,
    kit.program("situation"),
    situation,
    place,
    base
  )
  os.execute(
    ("unset LD_PRELOAD; mkfifo %s.in %s.out %s.fifo && %s %s %s %s.end >/dev/null 2>&1 </dev/null &"):format(
      base,
      base,
      base,
      kit.rt_lua,
      kit.program("supervisor"),
      kit.quote(command),
      base
    )
  )
  local _ <close> = setmetatable({}, {
    __close = function()
      if read(base .. ".end") == "" then
        os.execute(("kill -KILL $(cat %s.pid)"):format(base))
      end
    end,
  })
  kit.wait_for(function()
    return read(base .. ".err"):find("ready") or read(base .. ".end") ~= ""
  end, 30, "the start")
  local pid = tonumber(read(base .. ".pid"))
  kit.wait_for(function()
    return computes(situation) or read(("/proc/%d/stat"):format(pid)):match("%) ([SDZ])")
  end, 30, "a sleep")
  local start = rt.now()
  os.execute(("kill -%s %d"):format(signal, pid))
  kit.wait_for(function()
    return read(base .. ".end") ~= ""
  end, 2 * GRACE, "the end")
  return read(base .. ".end"):gsub("\n", ""), rt.now() - start
end

--- Calls f(situation, place) for each pair of the table, AT_ONCE at a time. Returns the errors.
local function for_each(f)
  local pairs_of, errors = {}, {}
  local list = io.popen(("%s %s list"):format(kit.rt_lua, kit.program("situation")))
  for line in list:lines() do
    local places = {}
    for word in line:gmatch("[%w_]+") do
      places[#places + 1] = word
    end
    local situation = table.remove(places)
    for _, place in ipairs(places) do
      pairs_of[#pairs_of + 1] = { situation, place }
    end
  end
  assert(#pairs_of > 80)
  local workers = {}
  for i = 1, AT_ONCE do
    workers[i] = rt.spawn_local(function()
      while #pairs_of > 0 do
        local pair = table.remove(pairs_of)
        local ok, message = pcall(f, pair[1], pair[2])
        if not ok then
          errors[#errors + 1] = ("%s in %s: %s"):format(pair[1], pair[2], message)
        end
      end
    end)
  end
  for _, worker in ipairs(workers) do
    worker:join()
  end
  table.sort(errors)
  return table.concat(errors, "\n")
end

if not kit.in_rt_lua then
  return -- it is about rt-lua, and takes a while
end

describe("rt-lua: whatever blocks, it ends within the grace, by the signal:", function()
  if kit.flavor == "tsan" then
    return -- the thread sanitizer puts a signal off until the program waits
  end
  for _, signal in ipairs { "TERM", "INT" } do
    it("G25 SIG" .. signal, function()
      assert.equal(
        "",
        for_each(function(situation, place)
          local how, took = end_one(situation, place, signal)
          assert(how == "signal " .. NUMBERS[signal], how)
          assert(took < most(situation, place) * kit.slow, ("%.2f s"):format(took))
        end)
      )
    end)
  end
end)
