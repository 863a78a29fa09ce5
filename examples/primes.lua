-- The sieve of Eratosthenes as a pipeline: each prime is a pool task that passes on the numbers
-- which it does not divide. Numbers go from task to task through channels, on all cores.
-- Run: build/lua5.4/rt-lua examples/primes.lua [most]    (primes up to this number; 100)
local rt = require("rt")

local most = math.tointeger(tonumber(arg[1] or 100)) or error("usage: primes.lua [whole number]", 0)
local ROOM = 64 -- numbers that a channel holds before its sender waits

local function count_up(to)
  for n = 2, most do
    to:send(n)
  end
  to:close() -- the receiver gets the numbers that are in it, and then the end
end

local function sieve(prime, from, to)
  for n in from:iter() do
    if n % prime ~= 0 then
      to:send(n)
    end
  end
  to:close()
end

local primes, from = {}, rt.channel(ROOM)
rt.spawn(count_up, from)
while true do
  local prime = from:recv() -- a number that no smaller prime divides
  if not prime then
    break
  end
  primes[#primes + 1] = prime
  local to = rt.channel(ROOM)
  rt.spawn(sieve, prime, from, to)
  from = to
end

print(("%d primes up to %d:"):format(#primes, most))
print(table.concat(primes, " "))

-- expect: 25 primes up to 100:
-- expect: 2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97
