import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { DEFAULT_TIMES } from "../src/client/times";
import { GET_CURRENT, live, RECONNECT_MS, ROTATE_AFTER_MS, setUp, setUpOpen } from "./counter-socket-fixture";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it.each(["resumed", "pageshow", "offline"] as const)("sends a heartbeat on an open connection on %s", (event) => {
  const { latest, fire } = setUpOpen();
  fire(event);
  expect(latest().sent).toEqual([GET_CURRENT, GET_CURRENT]);
});

it.each(["resumed", "pageshow"] as const)("reconnects without waiting on %s", (event) => {
  const { latest, sockets, fire, states } = setUpOpen();
  latest().drop();
  fire(event);
  expect([sockets.length, states.at(-1)]).toEqual([2, "connecting"]);
  vi.advanceTimersByTime(RECONNECT_MS);
  expect(sockets).toHaveLength(2);
});

it("keeps waiting on offline", () => {
  const { latest, sockets, fire, states } = setUpOpen();
  latest().drop();
  fire("offline");
  expect([sockets.length, states.at(-1)]).toEqual([1, "waiting"]);
});

it.each(["resumed", "pageshow", "offline"] as const)("keeps a handshake that is under way on %s", (event) => {
  const { socket, sockets, fire } = setUp();
  socket.start();
  fire(event);
  expect(sockets).toHaveLength(1);
});

it("finds a dead connection 5 s after resumed", () => {
  const parts = setUpOpen();
  live(parts, 20_000);
  parts.fire("resumed");
  vi.advanceTimersByTime(DEFAULT_TIMES.acknowledgeMs);
  expect([parts.sockets.length, parts.states.at(-1)]).toEqual([2, "connecting"]);
});

it("closes on pagehide and reconnects on pageshow", () => {
  const { latest, alive, fire, states } = setUpOpen();
  fire("pagehide");
  expect([alive(), states.at(-1), vi.getTimerCount()]).toEqual([[], "closed", 0]);
  fire("resumed");
  expect(alive()).toEqual([]);
  fire("pageshow");
  expect([alive(), states.at(-1)]).toEqual([[latest()], "connecting"]);
});

it("closes both connections of a rotation on pagehide", () => {
  const parts = setUpOpen();
  live(parts, ROTATE_AFTER_MS);
  expect(parts.alive()).toHaveLength(2);
  parts.fire("pagehide");
  expect([parts.alive(), vi.getTimerCount()]).toEqual([[], 0]);
});

it("ignores page events before start() and after stop()", () => {
  const { socket, fire, sockets, listeners } = setUp();
  fire("pageshow");
  expect(sockets).toHaveLength(0);
  socket.start();
  socket.stop();
  expect(listeners.size).toBe(0);
});
