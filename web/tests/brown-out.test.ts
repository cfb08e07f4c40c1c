/** Hours in which the server responds with errors: the real store, socket and connection in simulated time. */

import { describe, expect, it, vi } from "vitest";

import { DEFAULT_TIMES } from "../src/client/times";
import { RESPONSE_MS } from "./counter-socket-fixture";
import { withFakeTimers } from "./fake-page";
import { idOf, LATENCY_MS, type Respond, setUpServed as setUp } from "./served-store";

const HOUR_MS = 3_600_000;
const { heartbeatMs } = DEFAULT_TIMES;

const gatewayFrame = (message: string) => JSON.stringify({ message, connectionId: "a=", requestId: "b=" });

const BROWN_OUTS: [string, Respond][] = [
  ["unavailable", (socket, message) => socket.receiveError("unavailable", idOf(message))],
  ["busy", (socket, message) => socket.receiveError("busy", idOf(message))],
  ["API Gateway's 429", (socket) => socket.receive(gatewayFrame("Too Many Requests"))],
  ["API Gateway's 500", (socket) => socket.receive(gatewayFrame("Internal server error"))],
  ["an unreadable frame", (socket) => socket.receive("<html>")],
];
const BROWN_OUTS_BY_JITTER = BROWN_OUTS.flatMap(([name, respond]) =>
  [0, 0.5, 0.999].map((random) => [name, random, respond] as const),
);

withFakeTimers();

it("makes 1 handshake and 60 requests in a healthy hour", () => {
  const { sockets, requests, shown } = setUp((socket) => socket.receiveValue(7));
  vi.advanceTimersByTime(HOUR_MS);
  expect([sockets.length, requests().length]).toEqual([1, 60]);
  expect(shown()).toMatchObject({ connection: "open", value: 7, error: undefined });
});

describe.each(BROWN_OUTS_BY_JITTER)("a brown-out of %s, with the random number %d", (_name, random, respond) => {
  it("makes at most 2 handshakes and 70 requests in an hour of a brown-out, and stays open", () => {
    const { sockets, requests, states } = setUp(respond, { random });
    vi.advanceTimersByTime(HOUR_MS);
    expect(sockets.length).toBeLessThanOrEqual(2);
    expect(requests().length).toBeLessThanOrEqual(70);
    expect([...states]).toEqual(["connecting", "open"]);
  });

  it("shows the value within a heartbeat after the brown-out ends", () => {
    const { heal, shown } = setUp(respond, { random });
    vi.advanceTimersByTime(HOUR_MS);
    expect(shown()).toMatchObject({ connection: "open", value: undefined });
    expect(shown().error).toMatch(/^The .*\.$/u);
    heal();
    vi.advanceTimersByTime(heartbeatMs + LATENCY_MS);
    expect(shown()).toMatchObject({ connection: "open", value: 0, error: undefined });
  });
});

describe.each(BROWN_OUTS)("a brown-out of %s", (_name, respond) => {
  it("keeps the clicks of a brown-out, retries them on the same connection, and counts each one once", () => {
    const { store, sockets, requests, shown, heal, counted } = setUp(respond);
    for (let click = 1; click <= 3; click += 1) store.increment();
    vi.advanceTimersByTime(HOUR_MS);
    expect([shown().pending, sockets.length]).toEqual([3, 1]);
    expect(requests().length).toBeGreaterThan(100);
    heal();
    vi.advanceTimersByTime(heartbeatMs);
    expect([shown().pending, shown().value, counted.size, sockets.length]).toEqual([0, 3, 3, 1]);
  });

  it("applies broadcasts during a brown-out, which end the backoff of the heartbeat", () => {
    const { sockets, requests, shown } = setUp(respond);
    vi.advanceTimersByTime(HOUR_MS);
    sockets[0]?.receiveValue(9);
    expect(shown()).toMatchObject({ value: 9, error: undefined });
    const sent = requests().length;
    vi.advanceTimersByTime(heartbeatMs + LATENCY_MS);
    expect(requests().length).toBe(sent + 1);
    // The first error after a value is followed by the shortest delay again.
    vi.advanceTimersByTime(DEFAULT_TIMES.reconnectMs);
    expect(requests().length).toBe(sent + 2);
  });

  it("sends a hidden page's heartbeat at most 25 times in an hour of a brown-out", () => {
    const { sockets, requests, setHidden } = setUp(respond);
    setHidden(true);
    vi.advanceTimersByTime(HOUR_MS);
    expect(sockets).toHaveLength(1);
    expect(requests().length).toBeLessThanOrEqual(25);
  });

  it("finishes a rotation only when a value arrives after the brown-out", () => {
    const { sockets, states, heal } = setUp(respond);
    vi.advanceTimersByTime(2 * HOUR_MS - 1000);
    expect(sockets.map(({ readyState }) => readyState)).toEqual([1, 1]);
    heal();
    vi.advanceTimersByTime(heartbeatMs);
    expect(sockets.map(({ readyState }) => readyState)).toEqual([2, 1]);
    expect([...states]).toEqual(["connecting", "open"]);
  });
});

it("ends a connection that is silent after an error", () => {
  let errors = 0;
  const { sockets } = setUp((socket) => {
    errors += 1;
    if (errors === 1) socket.receiveError("unavailable");
  });
  vi.advanceTimersByTime(DEFAULT_TIMES.reconnectMs + RESPONSE_MS);
  expect(sockets.map(({ readyState }) => readyState)).toEqual([2, 0]);
});

it("keeps its connection and its last value, and confirms clicks, while values are too large", () => {
  let tooLarge = false;
  const { store, shown, sockets, requests, warn } = setUp((socket, message) => {
    socket.receiveValue(tooLarge ? 2 ** 53 : 7, idOf(message));
  });
  tooLarge = true;
  for (let minute = 1; minute <= 100; minute += 1) {
    store.increment();
    vi.advanceTimersByTime(60_000);
  }
  expect(shown()).toMatchObject({ connection: "open", value: 7, pending: 0 });
  expect(shown().error).toMatch(/^The server sent a value that this page cannot show/u);
  expect(requests().length).toBeLessThanOrEqual(210);
  expect([sockets.length, warn.mock.calls.length]).toEqual([1, 1]);
});

it("keeps its connection and its clicks while every response is a message of a newer server, and reports it once", () => {
  let isNewer = true;
  const { store, shown, sockets, warn, heal } = setUp((socket, message) => {
    if (isNewer) socket.receive('{"type":"presence","people":3}');
    else socket.receiveValue(7, idOf(message));
  });
  store.increment();
  vi.advanceTimersByTime(HOUR_MS);
  expect(shown()).toMatchObject({ connection: "open", pending: 1, error: undefined });
  expect([sockets.length, warn.mock.calls.length]).toEqual([1, 1]);
  isNewer = false;
  heal();
  vi.advanceTimersByTime(heartbeatMs);
  expect(shown()).toMatchObject({ value: 1, pending: 0 });
});
