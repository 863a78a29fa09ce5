--- The HTTP servers and the client of examples/, with curl, nc and wrk.
local clients = require("clients")
local examples = require("examples")
local kit = require("kit")
local rt = require("rt")

if not examples.has_shell() then
  pending("examples: no shell can be started here")
  return
end

local assert_contains = examples.assert_contains
local assert_matches = examples.assert_matches
local free_port = examples.free_port
local peers = examples.peers
local run = examples.run
local serve = examples.serve
local url = examples.url

--- Defines a spec with a deadline.
local function promise(title, f)
  it(title, examples.within_deadline(f))
end

describe("examples:", function()
  after_each(kit.forget)

  describe("fetch", function()
    --- Starts a server that answers each request with the same bytes, and closes the connection.
    local function canned(answer)
      local file = kit.file(answer, ".txt")
      local server = kit.start_script(kit.program("canned_answers"), file)
      return math.tointeger(server:line())
    end

    local function assert_lines(expected, output)
      local lines = {}
      for line in output:gmatch("([^\n]*)\n") do
        lines[#lines + 1] = line
      end
      for i = 1, math.max(#expected, #lines) do
        local pattern = (expected[i] or "nothing"):gsub("TIME", "%%d+%%.%%d%%d%%d")
        assert_matches(pattern, lines[i] or "nothing")
      end
    end

    promise("gets several URLs, in the order given", function()
      local _, port = serve("http_hello")
      local other = canned("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnope\n")
      local long = canned("HTTP/1.0 200 OK\n\n" .. ("x"):rep(100000))
      local by_name = "http://localhost:" .. port .. "/"
      local urls = { url(port, ""), by_name, url(other, "/x?y=z"), url(long) }
      local code, out, err = run("fetch", "'" .. table.concat(urls, "' '") .. "'")
      assert.equal("", err)
      assert_lines({
        "200        14 bytes    TIME s  " .. urls[1],
        "200        14 bytes    TIME s  " .. urls[2],
        "404         5 bytes    TIME s  " .. urls[3]:gsub("%?", "%%?"),
        "200    100000 bytes    TIME s  " .. urls[4],
        "4 of 4: 100033 bytes in TIME s",
      }, out)
      assert.equal(0, code)
    end)

    promise("says what failed, each for itself", function()
      local _, port = serve("http_hello")
      local short = canned("HTTP/1.0 200 OK\r\ncontent-length: 9\r\n\r\n12345")
      local junk, nobody = canned("junk"), free_port()
      local urls = { url(nobody), url(port), url(short), url(junk), "https://here/", "here" }
      local code, out, err = run("fetch", table.concat(urls, " "))
      assert.equal("", err)
      local function failure(i, message)
        return ("%%-%%-%%-         0 bytes    TIME s  %s %%(%s%%)"):format(urls[i], message)
      end
      assert_lines({
        failure(1, "ECONNREFUSED: connection refused %(127.0.0.1:" .. nobody .. "%)"),
        "200        14 bytes    TIME s  " .. urls[2],
        failure(3, "5 of 9 bytes came"),
        failure(4, "no HTTP answer"),
        failure(5, "not an http:// URL"),
        failure(6, "not an http:// URL"),
        "1 of 6: 14 bytes in TIME s",
      }, out)
      assert.equal(1, code)
    end)

    promise("waits no longer than it was told, for all at once", function()
      local silent <close> = assert(rt.tcp.listen("127.0.0.1", 0)) -- never accepts, never answers
      local _, port = silent:sock()
      local _, good = serve("http_hello")
      local code, out, err = run("fetch", "-t 3 " .. (url(port) .. " "):rep(10) .. url(good))
      assert.equal("", err)
      local late = "%-%-%-         0 bytes    TIME s  " .. url(port) .. " %(timeout%)"
      local expected = {}
      for i = 1, 10 do
        expected[i] = late
      end
      expected[11] = "200        14 bytes    TIME s  " .. url(good)
      expected[12] = "1 of 11: 14 bytes in TIME s"
      assert_lines(expected, out)
      local seconds = tonumber(out:match("in (%S+) s\n$"))
      assert(seconds >= 3 and seconds < 3 * 5 * kit.slow, out)
      assert.equal(1, code)
    end)

    it("says how it is used", function()
      for _, args in ipairs { "", "-t", "-t x http://localhost/", "-t 1" } do
        local code, out, err = run("fetch", args)
        assert.same({ 2, "", "usage: fetch.lua [-t seconds] url ...\n" }, { code, out, err })
      end
    end)
  end)

  --- Specs for both HTTP servers.
  local function speaks_http(name)
    local HELLO = "Hello, world!\n"
    local OK = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\n" .. HELLO
    local LAST = OK:gsub("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    local BAD = "^HTTP/1%.1 400 Bad Request\r\n.*\r\nConnection: close\r\n\r\n400 Bad Request\n$"
    local GET = "GET / HTTP/1.1\r\nHost: here\r\n\r\n"

    --- Returns the output of curl. URL in the arguments stands for the address of the server.
    local function curl(port, args)
      local code, out, err =
        peers(("curl -sS --max-time %d "):format(15 * kit.slow) .. args:gsub("URL", url(port)))
      assert.same({ 0, "" }, { code, err })
      return out
    end

    promise("keeps a connection of curl for its second request", function()
      local server, port = serve(name)
      local out = curl(port, "-w '%{http_code} %{num_connects}\n' URL URL")
      assert.equal(HELLO .. "200 1\n" .. HELLO .. "200 0\n", out)
      clients.assert_quiet(server)
    end)

    promise("answers pipelined requests in order, from nc", function()
      local _, port = serve(name)
      local head = GET:gsub("GET", "HEAD")
      local post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345"
      local last = GET:gsub("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
      local file = kit.file(GET:rep(3) .. head .. post .. last)
      local code, out = peers(("nc -N 127.0.0.1 %d <%s"):format(port, file))
      assert.equal(0, code)
      assert.equal(OK:rep(3) .. OK:gsub(HELLO, "") .. OK .. LAST, out)
    end)

    promise("answers a thousand pipelined requests", function()
      local _, port = serve(name)
      assert.equal(OK:rep(1000), clients.exchange(port, GET:rep(1000)))
    end)

    promise("puts requests together that come in pieces", function()
      local _, port = serve(name)
      local stream <close> = clients.connect(port)
      for byte in (GET .. "POST / HTTP/1.1\nHost: x\nContent-Length: 2\n\nab" .. GET):gmatch(".") do
        assert(stream:write(byte))
        rt.sleep(0) -- most writes become a segment of their own
      end
      assert.equal(OK:rep(3), (stream:read(3 * #OK)))
    end)

    promise("HEAD is answered without a body, and the connection goes on", function()
      local _, port = serve(name)
      local out = curl(port, "-I -w '%{num_connects}\n' URL URL")
      local head = OK:gsub(HELLO, "")
      assert.equal(head .. "1\n" .. head .. "0\n", out)
    end)

    promise("HTTP/1.0 and 'Connection: close' end the connection", function()
      local _, port = serve(name)
      assert.equal(LAST, curl(port, "-i -0 URL"))
      assert.equal(LAST, curl(port, "-i -H 'Connection: close' URL"))
      for _, request in ipairs {
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\n\n",
        "GET / HTTP/1.1\r\nHost: x\r\nCONNECTION:Keep-Alive, Close\r\n\r\n",
      } do
        local stream <close> = clients.connect(port)
        assert(stream:write(request .. GET)) -- the request behind it gets no answer
        assert.equal(LAST, (stream:read("a")))
      end
    end)

    promise("reads past a big body, with curl and its 'Expect: 100-continue'", function()
      local server, port = serve(name)
      local file = kit.file(nil, ".bin")
      os.execute("head -c 5000000 /dev/zero >" .. file)
      local report = "-w '%{http_code} %{num_connects} %{size_upload}\n'"
      local out = curl(port, report .. " --data-binary @" .. file .. " URL URL")
      assert.equal(HELLO .. "200 1 5000000\n" .. HELLO .. "200 0 5000000\n", out)
      local stream <close> = clients.connect(port)
      assert(stream:write("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"))
      assert(stream:write("Expect: 100-continue\r\n\r\n"))
      assert.equal("HTTP/1.1 100 Continue\r\n\r\n", stream:read("L") .. stream:read("L"))
      assert(stream:write("abc", GET))
      assert.equal(OK .. OK, (stream:read(2 * #OK)))
      clients.assert_quiet(server)
    end)

    promise("bad requests get 400, and the connection is closed", function()
      local server, port = serve(name)
      for _, request in ipairs {
        "nonsense\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        "get / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      } do
        local stream <close> = clients.connect(port)
        assert(stream:write(request .. GET))
        local answer = stream:read("a")
        assert(answer and answer:find(BAD), ("%q got %q"):format(request, answer))
      end
      clients.assert_quiet(server)
    end)

    promise("a body that is cut short is no request: 400", function()
      local server, port = serve(name)
      local stream <close> = clients.connect(port)
      assert(stream:write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhello"))
      stream:shutdown()
      local answer = stream:read("a")
      assert(answer:find(BAD), answer)
      clients.assert_quiet(server)
    end)

    promise("empty lines before a request are ignored, but not without end", function()
      local server, port = serve(name)
      for text, status in pairs { ["\r\n"] = 200, ["\n\r\n"] = 200, [("\n"):rep(10000)] = 431 } do
        local stream <close> = clients.connect(port)
        assert(stream:write(text .. "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
        assert_matches("HTTP/1%.1 " .. status .. " .*", (stream:read("a")))
      end
      clients.assert_quiet(server)
    end)

    promise("a client of HTTP/1.0, or with another expectation, gets no 100", function()
      local server, port = serve(name)
      for _, text in ipairs {
        "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\nhello",
      } do
        local stream <close> = clients.connect(port)
        assert(stream:write(text))
        assert_matches("HTTP/1%.1 200 OK\r", (stream:read("l")))
      end
      clients.assert_quiet(server)
    end)

    promise("the field Connection is a list of words", function()
      local server, port = serve(name)
      local stream <close> = clients.connect(port)
      for _, value in ipairs { "not-close-really", "keep-alive, closed", "x, Close" } do
        assert(stream:write("GET / HTTP/1.1\r\nHost: x\r\nConnection: " .. value .. "\r\n\r\n"))
        assert_matches("HTTP/1%.1 200 OK\r", (stream:read("l")))
        local length
        for line in stream:lines() do
          length = tonumber(line:match("^Content%-Length: (%d+)")) or length
          if line == "\r" then
            break
          end
        end
        assert.equal(length, #stream:read(length))
      end
      assert.is_nil((stream:read("l")))
      clients.assert_quiet(server)
    end)

    promise("a field of blanks takes no time", function()
      local server, port = serve(name)
      local field = "x:a" .. (" "):rep(7900) .. "x\r\n"
      local stream <close> = clients.connect(port)
      local request = "GET / HTTP/1.1\r\nHost: x\r\n" .. field
      kit.in_time(1, function()
        local began = rt.now()
        for _ = 1, 100 do -- 30 ms each where the time is quadratic
          assert(stream:write(request .. "\r\n"))
          stream:read("l")
          repeat
          until stream:read("l") == "\r"
          stream:read("l")
        end
        return rt.now() - began
      end)
      clients.assert_quiet(server)
    end)

    promise("a head of more than 8 KiB gets 431, even if it never ends", function()
      local server, port = serve(name)
      local function padded(n)
        return "GET / HTTP/1.1\r\nHost: x\r\nX: " .. ("x"):rep(n) .. "\r\n\r\n"
      end
      local too_large = "HTTP/1.1 431 Request Header Fields Too Large\r\n"
      assert.equal(OK, clients.exchange(port, padded(8000)))
      local many = "GET / HTTP/1.1\r\n" .. ("X: y\r\n"):rep(10000)
      for _, request in ipairs { padded(8200), many, ("x"):rep(3000000) } do
        assert_contains(too_large, clients.exchange(port, request))
      end
      local endless = "timeout %d nc 127.0.0.1 %d </dev/zero | head -c 34"
      local code, out = peers(endless:format(10 * kit.slow, port))
      assert.same({ 0, "HTTP/1.1 431 Request Header Fields" }, { code, out })
      clients.assert_quiet(server)
    end)

    promise("survives clients that leave in the middle", function()
      local server, port = serve(name)
      for _, part in ipairs {
        "",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: x\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf",
        GET,
        GET:rep(1000),
      } do
        for _ = 1, 5 do
          local stream = clients.connect(port)
          assert(stream:write(part))
          if part:find("\r\n\r\n$") then
            assert.equal("H", (stream:recv(1)))
          end -- then a reset
          stream:close()
        end
      end
      assert.equal(OK, clients.exchange(port, GET))
      clients.assert_quiet(server)
    end)

    promise("serves 200 clients at once", function()
      local server, port = serve(name)
      local streams = {}
      clients.concurrently(200, function(i)
        streams[i] = clients.connect(port)
      end)
      clients.concurrently(200, function(i)
        for _ = 1, 5 do
          assert(streams[i]:write(GET))
          assert.equal(OK, (streams[i]:read(#OK)))
        end
      end)
      clients.assert_quiet(server)
    end)

    promise("serves 200 connections of wrk without an error", function()
      kit.needs(pending, "wrk")
      local server, port = serve(name)
      local code, out, err = peers(
        ("wrk -t 2 -c 200 -d %ds --timeout %ds %s"):format(
          math.ceil(kit.slow),
          10 * kit.slow,
          url(port)
        )
      )
      assert.same({ 0, "" }, { code, err })
      assert.is_nil(out:find("Socket errors", 1, true), out)
      assert.is_nil(out:find("Non-2xx", 1, true), out)
      assert(tonumber(out:match("(%d+) requests in")) >= 200, out)
      clients.assert_quiet(server)
    end)
  end

  describe("http_hello", function()
    speaks_http("http_hello")
  end)
  describe("http_all_cores", function()
    speaks_http("http_all_cores")
  end)

  describe("http_graceful", function()
    --- Sends requests until an answer says that it is the last one. Returns the number of requests.
    local served = 0
    local function ask_until_closed(port)
      local stream <close>, asked = clients.connect(port), 0
      repeat
        asked = asked + 1
        assert(stream:write("GET /", asked, " HTTP/1.1\r\nHost: x\r\n\r\n"))
        local status, last = stream:read("l"), false
        assert.equal("HTTP/1.1 200 OK\r", status)
        for line in stream:lines() do
          last = last or line == "Connection: close\r"
          if line == "\r" then
            break
          end
        end
        assert.equal("/" .. asked, (stream:read("l")))
        served = served + (asked == 10 and 1 or 0)
      until last
      assert.equal("", (stream:read("a")))
      return asked
    end

    promise("answers every request when it is stopped under load", function()
      local server, port = serve("http_graceful")
      local idle <close> = clients.connect(port)
      local clients = {}
      for i = 1, 50 do
        clients[i] = rt.spawn_local(ask_until_closed, port)
      end
      repeat
        rt.sleep(0.2) -- any moment after all connections have been accepted
      until served == 50
      server:signal(kit.in_rt_lua and "TERM" or "INT")
      local sum = 0
      for i = 1, 50 do
        sum = sum + clients[i]:join()
      end
      assert(sum > 500, "hardly a load")
      assert.equal("", (idle:read("a")))
      assert.equal(kit.in_rt_lua and 143 or 1, server:wait(10))
      assert.equal("ECONNREFUSED", select(3, rt.tcp.connect("127.0.0.1", port)))
    end)
  end)
end)
