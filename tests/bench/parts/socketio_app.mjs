// A room server as socket.io's manual makes one: `node socketio_app.mjs <port> <redis url>`. It is copied beside its
// packages before it runs.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, url] = process.argv.slice(2);
const publisher = createClient({ url });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  perMessageDeflate: false,
});

io.on("connection", (socket) => {
  socket.on("enter", (room) => {
    socket.data.room = room;
    socket.join(room);
    socket.emit("entered", room);
  });
  socket.on("seek", (event) => io.to(socket.data.room).emit("seek", event));
});

process.on("SIGTERM", () => io.close(() => process.exit(0)));
http.listen(Number(port), "127.0.0.1");
