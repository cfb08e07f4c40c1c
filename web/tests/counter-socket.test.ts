import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { SocketConstructor } from "../src/client/connection";
import { type ConnectionState, createCounterSocket } from "../src/client/counter-socket";
import type { ServerMessage } from "../src/client/protocol";
import { ROTATE_RETRY_MS, ROTATE_AFTER_MIN_MS, ROTATE_AFTER_MAX_MS, DEFAULT_TIMES } from "../src/client/times";
import { fakePage, testClock } from "./fake-page";
import { fakeWebSockets } from "./fake-web-socket";

const ADDRESS = "wss://example.test/prod";
const GET_CURRENT = { action: "get-current" };
const CLICK = { action: "increment", id: "session-of-the-test:1" } as const;
const RECONNECT_MS = DEFAULT_TIMES.reconnectMs;
/** In the test nothing is left to chance. */
const ROTATE_AFTER_MS = (ROTATE_AFTER_MIN_MS + ROTATE_AFTER_MAX_MS) / 2;

function setUp(overrideWebSocket?: SocketConstructor) {
  const network = fakeWebSockets();
  const states: ConnectionState[] = [];
  const delays: (number | undefined)[] = [];
  const messages: ServerMessage[] = [];
  const onUnreachable = vi.fn<() => void>();
  const { page, fire, listeners } = fakePage();
  const socket = createCounterSocket({
    url: ADDRESS,
    onState(state, delayMs) {
      states.push(state);
      if (state === "waiting") delays.push(delayMs);
    },
    onMessage: (message) => messages.push(message),
    onUnreachable,
    WebSocket: overrideWebSocket ?? network.WebSocket,
    clock: testClock().clock,
    page,
  });
  return { ...network, socket, states, delays, messages, onUnreachable, fire, listeners };
}

function setUpOpen() {
  const parts = setUp();
  parts.socket.start();
  parts.latest().open();
  parts.latest().receiveValue(1);
  parts.messages.splice(0);
  return parts;
}

/** Lets the time pass, with everything answered. */
function live(parts: Pick<ReturnType<typeof setUp>, "alive">, ms: number) {
  for (let rest = ms; rest > 0; rest -= 1000) {
    for (const each of parts.alive()) if (each.readyState === 1) each.receiveValue(1);
    vi.advanceTimersByTime(Math.min(rest, 1000));
  }
}

/** Lets the pause pass that the connection is in. */
function wait({ delays }: ReturnType<typeof setUp>) {
  vi.advanceTimersByTime(delays.at(-1) ?? 0);
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("connecting", () => {
  it("opens no connection before start()", () => {
    const { sockets, states } = setUp();
    expect(sockets).toHaveLength(0);
    expect(states).toEqual([]);
  });

  it("connects to the URL and sends get-current once it is open", () => {
    const { socket, latest, states } = setUp();
    socket.start();
    expect(latest().url).toBe(ADDRESS);
    expect(latest().sent).toEqual([]);
    latest().open();
    expect(latest().sent).toEqual([GET_CURRENT]);
    expect(states).toEqual(["connecting", "open"]);
  });

  it("starts once, however often start() is called", () => {
    const { socket, sockets, latest } = setUp();
    socket.start();
    socket.start();
    latest().open();
    socket.start();
    latest().drop();
    socket.start();
    expect(sockets).toHaveLength(1);
  });

  it("passes on every message of the server, readable or not", () => {
    const { latest, messages } = setUpOpen();
    latest().receiveValue(5);
    latest().receive("garbage");
    expect(messages).toMatchObject([
      { type: "counter-update", value: 5 },
      { type: "error", code: "unreadable" },
    ]);
  });
});

describe("reconnecting", () => {
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
});

describe("moving before the 2 hours are over", () => {
  it("opens the replacement before it closes the old connection", () => {
    const parts = setUpOpen();
    const { sockets, states, alive, messages } = parts;
    live(parts, ROTATE_AFTER_MS);
    const [old, fresh] = sockets;
    expect(alive()).toEqual([old, fresh]);
    fresh?.open();
    expect([alive(), fresh?.sent]).toEqual([[old, fresh], [GET_CURRENT]]);
    old?.receiveValue(8);
    messages.splice(0);
    fresh?.receiveValue(9);
    expect([alive(), states]).toEqual([[fresh], ["connecting", "open", "open"]]);
    expect(messages).toMatchObject([{ value: 9 }]);
  });

  it("sends on the old connection until the replacement has received a value", () => {
    const parts = setUpOpen();
    const { socket, sockets } = parts;
    live(parts, ROTATE_AFTER_MS);
    const [old, fresh] = sockets;
    fresh?.open();
    socket.send(CLICK);
    fresh?.receiveValue(9);
    socket.send(CLICK);
    expect([old?.ids(), fresh?.sent]).toEqual([[CLICK.id], [GET_CURRENT, CLICK]]);
  });

  it("keeps the old connection when the replacement fails, and retries", () => {
    const parts = setUpOpen();
    const { sockets, latest, states, alive } = parts;
    live(parts, ROTATE_AFTER_MS);
    latest().fail();
    expect([alive(), states]).toEqual([[sockets[0]], ["connecting", "open"]]);
    live(parts, ROTATE_RETRY_MS);
    expect(sockets).toHaveLength(3);
    latest().open();
    latest().receiveValue(1);
    expect(alive()).toEqual([latest()]);
  });

  it("keeps the old connection while the replacement receives only errors", () => {
    const parts = setUpOpen();
    const { sockets, latest, alive } = parts;
    live(parts, ROTATE_AFTER_MS);
    latest().open();
    latest().receiveError("unavailable");
    expect(alive()).toEqual(sockets);
  });

  it("opens no replacement while disconnected", () => {
    const parts = setUpOpen();
    const { sockets, latest } = parts;
    live(parts, ROTATE_AFTER_MS - 1000);
    latest().drop();
    vi.advanceTimersByTime(2000);
    expect(sockets).toHaveLength(1);
  });

  it("waits for the replacement when the old connection is lost during its handshake", () => {
    const parts = setUpOpen();
    const { sockets, latest, states } = parts;
    live(parts, ROTATE_AFTER_MS);
    sockets[0]?.drop();
    expect(states.at(-1)).toBe("connecting");
    latest().open();
    expect([states.at(-1), sockets.length, latest().sent]).toEqual(["open", 2, [GET_CURRENT]]);
  });

  it("uses the open replacement when the old connection is lost before its first value", () => {
    const parts = setUpOpen();
    const { sockets, latest, states } = parts;
    live(parts, ROTATE_AFTER_MS);
    latest().open();
    sockets[0]?.drop();
    expect([states, sockets.length]).toEqual([["connecting", "open", "open"], 2]);
  });

  it("rotates the replacement in its turn", () => {
    const parts = setUpOpen();
    const { sockets, latest } = parts;
    for (let move = 1; move <= 3; move += 1) {
      live(parts, ROTATE_AFTER_MS);
      expect(sockets).toHaveLength(move + 1);
      latest().open();
      latest().receiveValue(1);
    }
  });

  it("restarts the rotation timer after a reconnect", () => {
    const parts = setUpOpen();
    const { sockets, latest, alive } = parts;
    live(parts, ROTATE_AFTER_MS - 10_000);
    latest().drop();
    vi.advanceTimersByTime(RECONNECT_MS);
    latest().open();
    live(parts, 60_000);
    expect([sockets.length, alive()]).toEqual([2, [latest()]]);
  });

  it("retries a rotation when the WebSocket constructor throws", () => {
    const { WebSocket, sockets, latest, alive } = fakeWebSockets();
    let broken = false;
    const { socket, states } = setUp(
      class extends WebSocket {
        constructor(url: string) {
          if (broken) throw new DOMException("Refused", "SecurityError");
          super(url);
        }
      },
    );
    socket.start();
    latest().open();
    broken = true;
    live({ alive }, ROTATE_AFTER_MS);
    broken = false;
    live({ alive }, ROTATE_RETRY_MS);
    expect([sockets.length, states]).toEqual([2, ["connecting", "open"]]);
  });
});

describe("the page's life", () => {
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
});

describe("stopping", () => {
  it("stays closed after stop() when the close event arrives", () => {
    const { socket, latest, alive, states } = setUpOpen();
    socket.stop();
    expect(alive()).toEqual([]);
    latest().drop();
    vi.advanceTimersByTime(10 * RECONNECT_MS);
    expect(alive()).toEqual([]);
    expect(states).toEqual(["connecting", "open", "closed"]);
  });

  it("abandons a handshake on stop()", () => {
    const { socket, latest, alive, states } = setUp();
    socket.start();
    socket.stop();
    expect(alive()).toEqual([]);
    latest().fail();
    expect(vi.getTimerCount()).toBe(0);
    expect(states).toEqual(["connecting", "closed"]);
  });

  it("cancels the next attempt on stop()", () => {
    const { socket, sockets, latest, states } = setUp();
    socket.start();
    latest().drop();
    socket.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(RECONNECT_MS);
    expect(sockets).toHaveLength(1);
    expect(states).toEqual(["connecting", "waiting", "closed"]);
  });

  it("accepts stop() at any time, any number of times", () => {
    const { socket, states } = setUp();
    socket.stop();
    expect(states).toEqual([]);
    socket.start();
    socket.stop();
    socket.stop();
    expect(states).toEqual(["connecting", "closed"]);
  });

  it("keeps exactly one connection after start, stop, start", () => {
    const { socket, sockets, latest, alive, states } = setUp();
    socket.start();
    socket.stop();
    socket.start();
    expect(alive()).toEqual([latest()]);
    sockets[0]?.fail();
    latest().open();
    latest().receiveValue(1);
    vi.advanceTimersByTime(10 * RECONNECT_MS);
    expect(alive()).toEqual([latest()]);
    expect(sockets).toHaveLength(2);
    expect(states).toEqual(["connecting", "closed", "connecting", "open"]);
  });

  it.each(["connecting", "open", "waiting"] as const)("accepts stop() from the listener of the state %s", (fatal) => {
    const { WebSocket, sockets, alive, latest } = fakeWebSockets();
    const states: ConnectionState[] = [];
    const socket = createCounterSocket({
      url: ADDRESS,
      WebSocket,
      page: fakePage().page,
      onMessage: () => {},
      onState: (state) => {
        states.push(state);
        if (state === fatal) socket.stop();
      },
    });
    socket.start();
    latest().open();
    latest().drop();
    vi.advanceTimersByTime(10 * RECONNECT_MS);
    expect(states.slice(-2)).toEqual([fatal, "closed"]);
    expect(alive()).toEqual([]);
    expect(sockets).toHaveLength(1);
  });
});

describe("sending", () => {
  it("sends while open and returns true", () => {
    const { socket, latest } = setUpOpen();
    expect(socket.send(CLICK)).toBe(true);
    expect(latest().sent).toEqual([GET_CURRENT, CLICK]);
  });

  it("sends nothing while not open and returns false", () => {
    const { socket, latest, sockets } = setUp();
    expect(socket.send(CLICK)).toBe(false);
    socket.start();
    expect(socket.send(CLICK)).toBe(false);
    latest().drop();
    expect(socket.send(CLICK)).toBe(false);
    socket.stop();
    expect(socket.send(CLICK)).toBe(false);
    expect(sockets.flatMap(({ sent }) => sent)).toEqual([]);
  });
});
