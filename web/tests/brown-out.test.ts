/** Hours in which the server responds with errors: the real store, socket and connection in simulated time. */

import { describe, expect, it, vi } from "vitest";

import { createClickQueue } from "../src/client/click-queue";
import { createPendingStorage } from "../src/client/pending-storage";
import type { ClientMessage } from "../src/client/protocol";
import { createCounterStore } from "../src/client/store";
import { DEFAULT_TIMES } from "../src/client/times";
import { fakePage, fakeStorage, testClock, withFakeTimers } from "./fake-page";
import { FakeWebSocket } from "./fake-web-socket";

/** Time until a handshake is complete or a request has its response. */
const LATENCY_MS = 50;
const HOUR_MS = 3_600_000;
const { heartbeatMs } = DEFAULT_TIMES;

type Respond = (socket: FakeWebSocket, message: ClientMessage) => void;

const idOf = (message: ClientMessage) => (message.action === "increment" ? message.id : undefined);
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

/** A started store whose server responds to every request with `respond`, until heal() is called. */
function setUp(respond: Respond, random = 0.5) {
  let healthy = false;
  const counted = new Set<string>();
  const sockets: FakeWebSocket[] = [];
  class ServedWebSocket extends FakeWebSocket {
    constructor(...given: ConstructorParameters<typeof FakeWebSocket>) {
      super(...given);
      sockets.push(this);
      setTimeout(() => this.open(), LATENCY_MS);
    }
    override send(text: string) {
      super.send(text);
      const message = JSON.parse(text) as ClientMessage;
      setTimeout(() => (healthy ? count : respond)(this, message), LATENCY_MS);
    }
  }
  const count: Respond = (socket, message) => {
    const id = idOf(message);
    if (id !== undefined) counted.add(id);
    socket.receiveValue(counted.size, id);
  };

  const { page, setHidden } = fakePage();
  const session = "session-of-the-test";
  const store = createCounterStore({
    url: "wss://example.test/prod",
    WebSocket: ServedWebSocket,
    clock: { ...testClock().clock, random: () => random },
    page,
    queue: createClickQueue({ session, storage: createPendingStorage(session, fakeStorage) }),
  });
  const states = new Set<string>();
  store.subscribe(() => states.add(store.getSnapshot().connection));
  store.start();
  vi.advanceTimersByTime(2 * LATENCY_MS);
  return {
    store,
    shown: store.getSnapshot,
    states,
    sockets,
    setHidden,
    counted,
    heal: () => {
      healthy = true;
    },
    requests: () => sockets.flatMap(({ sent }) => sent),
  };
}

it("makes 1 handshake and 60 requests in a healthy hour", () => {
  const { sockets, requests, shown } = setUp((socket) => socket.receiveValue(7));
  vi.advanceTimersByTime(HOUR_MS);
  expect([sockets.length, requests().length]).toEqual([1, 60]);
  expect(shown()).toMatchObject({ connection: "open", value: 7, error: undefined });
});

describe.each(BROWN_OUTS_BY_JITTER)("a brown-out of %s, with the random number %d", (_name, random, respond) => {
  it("makes at most 2 handshakes and 70 requests in an hour, and stays open", () => {
    const { sockets, requests, states } = setUp(respond, random);
    vi.advanceTimersByTime(HOUR_MS);
    expect(sockets.length).toBeLessThanOrEqual(2);
    expect(requests().length).toBeLessThanOrEqual(70);
    expect([...states]).toEqual(["connecting", "open"]);
  });

  it("shows the value within a heartbeat after the brown-out ends", () => {
    const { heal, shown } = setUp(respond, random);
    vi.advanceTimersByTime(HOUR_MS);
    expect(shown()).toMatchObject({ connection: "open", value: undefined });
    expect(shown().error).toMatch(/^The .*\.$/u);
    heal();
    vi.advanceTimersByTime(heartbeatMs + LATENCY_MS);
    expect(shown()).toMatchObject({ connection: "open", value: 0, error: undefined });
  });
});

describe.each(BROWN_OUTS)("a brown-out of %s", (_name, respond) => {
  it("keeps the clicks, retries them on the same connection, and counts each one once", () => {
    const { store, sockets, requests, shown, heal, counted } = setUp(respond);
    for (let click = 1; click <= 3; click += 1) store.increment();
    vi.advanceTimersByTime(HOUR_MS);
    expect([shown().pending, sockets.length]).toEqual([3, 1]);
    expect(requests().length).toBeGreaterThan(100);
    heal();
    vi.advanceTimersByTime(heartbeatMs);
    expect([shown().pending, shown().value, counted.size, sockets.length]).toEqual([0, 3, 3, 1]);
  });

  it("applies broadcasts, which end the backoff of the heartbeat", () => {
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

  it("sends a hidden page's heartbeat at most 25 times in an hour", () => {
    const { sockets, requests, setHidden } = setUp(respond);
    setHidden(true);
    vi.advanceTimersByTime(HOUR_MS);
    expect(sockets).toHaveLength(1);
    expect(requests().length).toBeLessThanOrEqual(25);
  });

  it("outlives a rotation, which waits for a value", () => {
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
  vi.advanceTimersByTime(DEFAULT_TIMES.reconnectMs + DEFAULT_TIMES.acknowledgeMs);
  expect(sockets.map(({ readyState }) => readyState)).toEqual([2, 0]);
});
