// An echo server and its clients by the module net of Node.js. (echo.go does the same.)
//   node echo.js server                      prints its port; sends back what it gets, and then the end
//   node echo.js resetting                   prints its port; resets each connection at its first bytes
//   node echo.js clients PORT COUNT BYTES    COUNT connections at once send BYTES each, end their side,
//                                            and compare what comes back; prints "N of COUNT are right"
//   node echo.js reset PORT                  gets one byte back, then resets the connection; prints "reset"
"use strict";
const net = require("node:net");

function serve(onConnection) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}

function bytesOf(size, seed) {
  const data = Buffer.alloc(size);
  for (let i = 0; i < size; i++) data[i] = ((i + seed) * 2654435761) >>> 24;
  return data;
}

function client(port, data) {
  return new Promise((resolve) => {
    const chunks = [];
    const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", (e) => resolve(e.code));
    socket.on("end", () => resolve(Buffer.concat(chunks).equals(data) ? "right" : "other bytes"));
    socket.end(data);
  });
}

async function clients(port, count, size) {
  const ends = await Promise.all(Array.from({ length: count }, (_, i) => client(port, bytesOf(size, i))));
  const wrong = ends.filter((end) => end !== "right");
  console.log(`${count - wrong.length} of ${count} are right`);
  if (wrong.length > 0) console.log(wrong[0]);
}

function reset(port) {
  const socket = net.connect({ port, host: "127.0.0.1" });
  socket.on("data", () => {
    socket.resetAndDestroy();
    console.log("reset");
  });
  socket.write("x");
}

const [what, ...numbers] = process.argv.slice(2);
({
  server: () => serve((socket) => socket.pipe(socket)),
  resetting: () => serve((socket) => socket.once("data", () => socket.resetAndDestroy())),
  clients,
  reset,
})[what](...numbers.map(Number));
