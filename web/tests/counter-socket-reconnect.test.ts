import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { DEFAULT_TIMES } from "../src/client/times";
import { CLICK, GET_CURRENT, live, RECONNECT_MS, setUp, setUpOpen, wait } from "./counter-socket-fixture";
import { fakeWebSockets } from "./fake-web-socket";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("reconnects 3 s after the connection is lost, and sends get-current again", () => {
  const { sockets, latest, states, delays } = setUpOpen();
  latest().drop();
  expect([states.at(-1), delays]).toEqual(["waiting", [3000]]);
  vi.advanceTimersByTime(2999);
  expect(sockets).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(sockets).toHaveLength(2);
  latest().open();
  expect(latest().sent).toEqual([GET_CURRENT]);
  expect(states).toEqual(["connecting", "open", "waiting", "connecting", "open"]);
});

it("waits longer after repeated failures", () => {
  const parts = setUp();
  const { socket, latest, delays } = parts;
  socket.start();
  for (let attempt = 1; attempt <= 7; attempt += 1) {
    latest().fail();
    wait(parts);
  }
  expect(delays).toEqual([3000, 3000, 6000, 12_000, 20_000, 20_000, 20_000]);
});

it("resets the delay to 3 s once a connection has lasted", () => {
  const parts = setUp();
  const { socket, latest, delays } = parts;
  socket.start();
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    latest().fail();
    wait(parts);
  }
  latest().open();
  live(parts, 9000);
  latest().drop();
  expect(delays.at(-1)).toBe(3000);
});

it("counts a connection that the server closes at once as a failure", () => {
  const parts = setUp();
  const { socket, latest, delays } = parts;
  socket.start();
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    latest().open();
    latest().receiveValue(1);
    latest().drop();
    wait(parts);
  }
  expect(delays).toEqual([3000, 3000, 6000, 12_000]);
});

it("replaces a connection that does not respond, without a delay", () => {
  const parts = setUpOpen();
  const { socket, sockets, states, alive, latest } = parts;
  live(parts, 10_000);
  socket.send(CLICK);
  vi.advanceTimersByTime(DEFAULT_TIMES.acknowledgeMs);
  expect([sockets.length, alive(), states.at(-1)]).toEqual([2, [latest()], "connecting"]);
});

it("waits when the next connection does not respond either", () => {
  const parts = setUpOpen();
  const { socket, sockets, latest, states } = parts;
  live(parts, 10_000);
  socket.send(CLICK);
  vi.advanceTimersByTime(DEFAULT_TIMES.acknowledgeMs);
  latest().open();
  vi.advanceTimersByTime(DEFAULT_TIMES.acknowledgeMs);
  expect([sockets.length, states.at(-1)]).toEqual([2, "waiting"]);
});

it("abandons a handshake that takes 10 s, and waits", () => {
  const { socket, alive, states } = setUp();
  socket.start();
  vi.advanceTimersByTime(10_000);
  expect([alive(), states]).toEqual([[], ["connecting", "waiting"]]);
});

it("reports an unreachable server from the third failure on", () => {
  const parts = setUp();
  const { socket, latest, onUnreachable } = parts;
  socket.start();
  const calls = [1, 2, 3, 4].map(() => {
    latest().fail();
    wait(parts);
    return onUnreachable.mock.calls.length;
  });
  expect(calls).toEqual([0, 0, 1, 2]);
});

it("retries when the WebSocket constructor throws", () => {
  const { WebSocket, sockets } = fakeWebSockets();
  let broken = true;
  const { socket, states } = setUp(
    class extends WebSocket {
      constructor(url: string) {
        if (broken) throw new DOMException("Refused", "SecurityError");
        super(url);
      }
    },
  );
  socket.start();
  expect(states).toEqual(["waiting"]);
  vi.advanceTimersByTime(RECONNECT_MS);
  expect(sockets).toHaveLength(0);
  broken = false;
  vi.advanceTimersByTime(RECONNECT_MS);
  expect(sockets).toHaveLength(1);
  expect(states).toEqual(["waiting", "connecting"]);
});

it("waits once, whatever events the lost socket fires meanwhile", () => {
  const { sockets, latest, states, messages } = setUpOpen();
  latest().drop();
  latest().open();
  latest().receiveValue(99);
  latest().fail();
  expect(states.at(-1)).toBe("waiting");
  expect(messages).toEqual([]);
  vi.advanceTimersByTime(RECONNECT_MS);
  expect(sockets).toHaveLength(2);
});

it("ignores events of a socket that was replaced", () => {
  const { sockets, latest, states, messages } = setUpOpen();
  const [old] = sockets;
  latest().drop();
  vi.advanceTimersByTime(RECONNECT_MS);
  latest().open();
  const before = [...states];
  old?.receiveValue(99);
  old?.open();
  old?.fail();
  expect(messages).toEqual([]);
  expect(states).toEqual(before);
  expect(sockets).toHaveLength(2);
});
