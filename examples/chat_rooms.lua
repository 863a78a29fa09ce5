-- A chat server whose rooms are tasks of the pool, spread over the workers. A room owns its
-- members and their streams; whoever goes to another room is sent there, through a channel.
-- Run:  build/lua5.4/rt-lua examples/chat_rooms.lua [port [room ...]]    (7004 hall lua; 0: any)
-- Then: nc 127.0.0.1 7004        in two terminals; /name NAME, /room ROOM, or what you want to say
local rt = require("rt")

local OUTBOX, LINE = 1000, 1000 -- lines that may wait for a member; bytes in each

--- One room. Members come in through its door, a channel; each is attended by two local tasks,
--- which share the room's list of members as those of any program in one state do.
local function room(here, doors)
  local members = {}

  local function tell_all(line)
    for member in pairs(members) do
      if not member.outbox:try_send(line) then -- full: it does not read
        member.open = false
        member.stream:close() -- which ends its read and its write
      end
    end
    rt.yield() -- the outboxes have their turn before the next line is read
  end

  local function empty_outbox(member)
    for line in member.outbox:iter() do
      if not member.open or not member.stream:write(line, "\n") then
        break
      end
    end
  end

  --- Until it leaves; the room it goes to, if it says so.
  local function hear(member)
    while member.open do
      local line = member.stream:read("l")
      if not line then
        break
      end
      local command, word = line:match("^/(%a+)%s+([%w_-]+)%s*$")
      if command == "room" and doors[word] then
        return word
      elseif command == "name" then
        tell_all(("* %s is now %s"):format(member.name, word))
        member.name = word
      else
        tell_all(member.name .. ": " .. line:sub(1, LINE):gsub("%s+$", ""))
      end
    end
    member.open = false
  end

  local function attend(name, moved)
    local stream <close> = moved
    local outbox <close> = rt.channel(OUTBOX)
    local member = { name = name, stream = stream, outbox = outbox, open = true }
    local writer = rt.spawn_local(empty_outbox, member)
    members[member] = true
    tell_all(("* %s came to %s"):format(name, here))
    local other = hear(member)
    members[member] = nil
    tell_all(("* %s left %s"):format(member.name, here))
    if other and member.open then
      outbox:close()
      writer:join() -- it has been sent all that was said here
      doors[other]:send(member.name, stream) -- moves it, with what it holds that was not read
    end
  end

  for name, stream in doors[here]:iter() do
    rt.spawn_local(attend, name, stream)
  end
end

local names = { table.unpack(arg, 2) }
if #names == 0 then
  names = { "hall", "lua" }
end
local listener <close> = assert(rt.tcp.listen("127.0.0.1", tonumber(arg[1] or 7004)))
print(("listening on %s:%d"):format(listener:sock()))
io.stdout:flush()

local doors, guests = {}, 0
for _, name in ipairs(names) do
  doors[name] = rt.channel(100)
end
for _, name in ipairs(names) do
  rt.spawn(room, name, doors)
end
for stream in listener:incoming() do
  guests = guests + 1
  doors[names[1]]:send("guest" .. guests, stream)
end

-- expect~: listening on 127%.0%.0%.1:%d+
