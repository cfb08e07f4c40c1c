import { expect, it, vi } from "vitest";

import { fail, GET_CURRENT, HANDSHAKE_MS, live, type Parts, RECONNECT_MS, RESPONSE_MS, setUp, setUpOpen, setUpStarted, timeOut } from "./counter-socket-fixture";
import { withFakeTimers } from "./fake-page";

withFakeTimers();

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
  const parts = setUpStarted();
  fail(parts, 7);
  expect(parts.delays).toEqual([3000, 3000, 6000, 12_000, 20_000, 20_000, 20_000]);
});

it("resets the delay to 3 s once a connection has lasted 9 s", () => {
  const parts = setUpStarted();
  const { latest, delays } = parts;
  fail(parts, 4);
  latest().open();
  live(parts, 9000);
  latest().drop();
  expect(delays.at(-1)).toBe(3000);
});

it("counts a connection that lasts less than 9 s as a failure", () => {
  const parts = setUpStarted();
  const { latest, delays } = parts;
  fail(parts, 4, () => {
    latest().open();
    live(parts, 8000);
    latest().drop();
  });
  expect(delays).toEqual([3000, 3000, 6000, 12_000]);
});

it("replaces a connection that does not respond, without a delay", () => {
  const parts = setUpOpen();
  timeOut(parts);
  const { sockets, states, alive, latest } = parts;
  expect([sockets.length, alive(), states.at(-1)]).toEqual([2, [latest()], "connecting"]);
});

it("waits when the next connection does not respond either", () => {
  const parts = setUpOpen();
  timeOut(parts);
  parts.latest().open();
  // Longer than the uptime that resets the backoff, but no frame has arrived in it.
  vi.advanceTimersByTime(2 * RESPONSE_MS);
  expect([parts.sockets.length, parts.states.at(-1)]).toEqual([2, "waiting"]);
});

it("abandons a handshake that takes too long, and waits", () => {
  const { alive, states } = setUpStarted();
  vi.advanceTimersByTime(HANDSHAKE_MS - 1);
  expect(states).toEqual(["connecting"]);
  vi.advanceTimersByTime(1);
  expect([alive(), states]).toEqual([[], ["connecting", "waiting"]]);
});

it("reports an unreachable server from the third failure on", () => {
  const parts = setUpStarted();
  const calls = [1, 2, 3, 4].map(() => {
    fail(parts, 1);
    return parts.onUnreachable.mock.calls.length;
  });
  expect(calls).toEqual([0, 0, 1, 2]);
});

it("reports rejected handshakes from the third in a row on", () => {
  const parts = setUpStarted();
  const calls = [1, 2, 3, 4].map(() => {
    fail(parts, 1);
    return parts.onRejected.mock.calls.length;
  });
  expect(calls).toEqual([0, 0, 1, 2]);
});

it.each<[string, (parts: Parts) => void]>([
  ["after a handshake has succeeded", ({ latest }) => latest().open()],
  ["when a handshake times out among them", () => vi.advanceTimersByTime(HANDSHAKE_MS)],
])("reports no rejected handshakes %s", (_case, interrupt) => {
  const parts = setUpStarted();
  fail(parts, 2);
  interrupt(parts);
  fail(parts, 1);
  expect(parts.onRejected).not.toHaveBeenCalled();
});

it("retries when the WebSocket constructor throws", () => {
  const { socket, sockets, states, setBlocked } = setUp();
  setBlocked(true);
  socket.start();
  expect(states).toEqual(["waiting"]);
  vi.advanceTimersByTime(RECONNECT_MS);
  setBlocked(false);
  vi.advanceTimersByTime(RECONNECT_MS);
  expect([sockets.length, states]).toEqual([1, ["waiting", "connecting"]]);
});

it("ignores further events of a lost connection, before and after the next one opens", () => {
  const { sockets, latest, states, messages } = setUpOpen();
  const [lost] = sockets;
  const fireAll = () => {
    lost?.open();
    lost?.receiveValue(99);
    lost?.fail();
  };
  lost?.drop();
  fireAll();
  vi.advanceTimersByTime(RECONNECT_MS);
  latest().open();
  fireAll();
  expect([messages, sockets.length]).toEqual([[], 2]);
  expect(states).toEqual(["connecting", "open", "waiting", "connecting", "open"]);
});
