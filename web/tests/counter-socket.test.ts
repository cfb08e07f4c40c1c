import { expect, it, vi } from "vitest";

import type { ConnectionState } from "../src/client/counter-socket";
import { ADDRESS, CLICK, GET_CURRENT, RECONNECT_MS, setUp, setUpOpen, setUpStarted } from "./counter-socket-fixture";
import { withFakeTimers } from "./fake-page";

withFakeTimers();

it("connects to the URL and sends get-current once it is open", () => {
  const { socket, sockets, latest, states } = setUp();
  expect([sockets, states]).toEqual([[], []]);
  socket.start();
  expect([latest().url, latest().sent]).toEqual([ADDRESS, []]);
  latest().open();
  expect([latest().sent, states]).toEqual([[GET_CURRENT], ["connecting", "open"]]);
});

it("opens one connection, however often start() is called", () => {
  const { socket, sockets, latest } = setUpStarted();
  for (const step of [() => {}, () => latest().open(), () => latest().drop()]) {
    step();
    socket.start();
  }
  expect(sockets).toHaveLength(1);
});

it("passes on every message of the server, readable or not", () => {
  const { latest, messages } = setUpOpen();
  latest().receiveValue(5);
  latest().receive("garbage");
  expect(messages).toMatchObject([{ value: 5 }, { type: "error", code: "unreadable" }]);
});

it("sends messages only while open, and returns whether it did", () => {
  const { socket, latest, sockets } = setUp();
  const steps = [() => {}, () => socket.start(), () => latest().open(), () => latest().drop(), () => socket.stop()];
  const sent = steps.map((step) => {
    step();
    return socket.send(CLICK);
  });
  expect(sent).toEqual([false, false, true, false, false]);
  expect(sockets.map((each) => each.sent)).toEqual([[GET_CURRENT, CLICK]]);
});

it.each<[string, ("start" | "open" | "drop")[], ConnectionState[]]>([
  ["before start()", [], []],
  ["during the handshake", ["start"], ["connecting", "closed"]],
  ["while open", ["start", "open"], ["connecting", "open", "closed"]],
  ["while waiting", ["start", "drop"], ["connecting", "waiting", "closed"]],
])("stays closed after one or more calls of stop() %s", (_case, steps, expected) => {
  const { socket, sockets, latest, alive, states } = setUp();
  for (const step of steps) {
    if (step === "start") socket.start();
    else latest()[step]();
  }
  socket.stop();
  socket.stop();
  expect([alive(), vi.getTimerCount()]).toEqual([[], 0]);
  for (const each of sockets) each.fail();
  vi.advanceTimersByTime(10 * RECONNECT_MS);
  expect([alive(), states]).toEqual([[], expected]);
});

it("keeps exactly one connection after start, stop, start", () => {
  const { socket, sockets, latest, alive, states } = setUpStarted();
  socket.stop();
  socket.start();
  expect(alive()).toEqual([latest()]);
  sockets[0]?.fail();
  latest().open();
  latest().receiveValue(1);
  vi.advanceTimersByTime(10 * RECONNECT_MS);
  expect([alive(), sockets.length]).toEqual([[latest()], 2]);
  expect(states).toEqual(["connecting", "closed", "connecting", "open"]);
});

it.each(["connecting", "open", "waiting"])("accepts stop() from the listener of the state %s", (fatal) => {
  const { socket, sockets, alive, latest, states } = setUp((state) => {
    if (state === fatal) socket.stop();
  });
  socket.start();
  latest().open();
  latest().drop();
  vi.advanceTimersByTime(10 * RECONNECT_MS);
  expect(states.slice(-2)).toEqual([fatal, "closed"]);
  expect([alive(), sockets.length]).toEqual([[], 1]);
});
