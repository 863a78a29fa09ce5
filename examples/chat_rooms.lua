-- A chat server whose rooms are pool tasks, on several workers. A room owns its members and their
-- streams; a member that goes to another room is sent there, through a channel.
-- Run:  build/lua5.4/rt-lua examples/chat_rooms.lua [port [room ...]]    (7004 hall lua; 0: any)
-- Then: nc 127.0.0.1 7004        in two terminals; /name NAME, /room ROOM, or a line of text
local rt = require("rt")

local OUTBOX, LINE = 1000, 1000 -- lines that may wait for a member; bytes of a line

--- One room. Members arrive by a channel, its door. Each has two local tasks, which share the
--- room's list of members, since they run in the same state.
local function room(here, doors)
  local members = {}

  local function tell_all(line)
    for member in pairs(members) do
      if not member.outbox:try_send(line) then -- full: the member does not read
        member.open = false
        member.stream:close() -- this ends its read and its write
      end
    end
    rt.yield() -- the tasks of the outboxes run before the next line is read
  end

  local function empty_outbox(member)
    for line in member.outbox:iter() do
      if not member.open or not member.stream:write(line, "\n") then
        break
      end
    end
  end

  --- Reads lines of a member until it leaves. Returns the room to which it goes, or nil.
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
      writer:join() -- all lines of this room have been written to it
      doors[other]:send(member.name, stream) -- moves the stream, with bytes that were not read yet
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
