import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import {
  type ConnectionState,
  createCounterSocket,
  RECONNECT_DELAY_MS,
  type SocketConstructor,
} from "../src/counter/counter-socket";
import type { ServerMessage } from "../src/counter/protocol";
import { fakeWebSockets } from "./fake-web-socket";

const ADDRESS = "wss://example.test/prod";
const GET_CURRENT = { action: "get-current" };

function setUp(overrideWebSocket?: SocketConstructor) {
  const network = fakeWebSockets();
  const states: ConnectionState[] = [];
  const messages: ServerMessage[] = [];
  const socket = createCounterSocket({
    url: ADDRESS,
    onState: (state) => states.push(state),
    onMessage: (message) => messages.push(message),
    WebSocket: overrideWebSocket ?? network.WebSocket,
  });
  return { ...network, socket, states, messages };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("connecting", () => {
  it("makes no socket before it is started", () => {
    const { sockets, states } = setUp();
    expect(sockets).toHaveLength(0);
    expect(states).toEqual([]);
  });

  it("connects to the URL and asks for the value once it is open", () => {
    const { socket, latest, states } = setUp();
    socket.start();
    expect(latest().url).toBe(ADDRESS);
    expect(latest().sent).toEqual([]);
    latest().open();
    expect(latest().sent).toEqual([GET_CURRENT]);
    expect(states).toEqual(["connecting", "open"]);
  });

  it("is started once, however often start is called", () => {
    const { socket, sockets, latest } = setUp();
    socket.start();
    socket.start();
    latest().open();
    socket.start();
    latest().drop();
    socket.start();
    expect(sockets).toHaveLength(1);
  });

  it("hands on what the server sends, readable or not", () => {
    const { socket, latest, messages } = setUp();
    socket.start();
    latest().open();
    latest().receiveValue(5);
    latest().receive("garbage");
    expect(messages).toMatchObject([
      { type: "counter-update", value: 5 },
      { type: "error", code: "unreadable" },
    ]);
  });
});

describe("reconnecting", () => {
  it("waits 3 s after a drop, then connects and asks again", () => {
    const { socket, sockets, latest, states } = setUp();
    socket.start();
    latest().open();
    latest().drop();
    expect(states.at(-1)).toBe("waiting");
    vi.advanceTimersByTime(2999);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
    latest().open();
    expect(latest().sent).toEqual([GET_CURRENT]);
    expect(states).toEqual(["connecting", "open", "waiting", "connecting", "open"]);
  });

  it("tries once per 3 s while attempts fail", () => {
    const { socket, sockets, latest } = setUp();
    socket.start();
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect(sockets).toHaveLength(attempt);
      latest().fail();
      vi.advanceTimersByTime(RECONNECT_DELAY_MS);
    }
    expect(sockets).toHaveLength(6);
  });

  it("tries again when the constructor throws", () => {
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
    vi.advanceTimersByTime(RECONNECT_DELAY_MS);
    expect(sockets).toHaveLength(0);
    broken = false;
    vi.advanceTimersByTime(RECONNECT_DELAY_MS);
    expect(sockets).toHaveLength(1);
    expect(states).toEqual(["waiting", "connecting"]);
  });

  it("waits once, whatever the dropped socket says meanwhile", () => {
    const { socket, sockets, latest, states, messages } = setUp();
    socket.start();
    latest().open();
    latest().drop();
    latest().open();
    latest().receiveValue(99);
    latest().fail();
    expect(states.at(-1)).toBe("waiting");
    expect(messages).toEqual([]);
    vi.advanceTimersByTime(RECONNECT_DELAY_MS);
    expect(sockets).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ignores what a superseded socket still says", () => {
    const { socket, sockets, latest, states, messages } = setUp();
    socket.start();
    const old = latest();
    old.open();
    old.drop();
    vi.advanceTimersByTime(RECONNECT_DELAY_MS);
    latest().open();
    const before = [...states];
    old.receiveValue(99);
    old.open();
    old.fail();
    expect(messages).toEqual([]);
    expect(states).toEqual(before);
    expect(old.sent).toEqual([GET_CURRENT]);
    expect(vi.getTimerCount()).toBe(0);
    expect(sockets).toHaveLength(2);
  });
});

describe("stopping", () => {
  it("closes the socket and stays closed when its close event arrives", () => {
    const { socket, latest, alive, states } = setUp();
    socket.start();
    latest().open();
    socket.stop();
    expect(alive()).toEqual([]);
    latest().drop();
    vi.advanceTimersByTime(10 * RECONNECT_DELAY_MS);
    expect(alive()).toEqual([]);
    expect(states).toEqual(["connecting", "open", "closed"]);
  });

  it("gives up a connection that is still being made", () => {
    const { socket, latest, alive, states } = setUp();
    socket.start();
    socket.stop();
    expect(alive()).toEqual([]);
    latest().fail();
    expect(vi.getTimerCount()).toBe(0);
    expect(states).toEqual(["connecting", "closed"]);
  });

  it("cancels the attempt it waits for", () => {
    const { socket, sockets, latest, states } = setUp();
    socket.start();
    latest().drop();
    socket.stop();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(RECONNECT_DELAY_MS);
    expect(sockets).toHaveLength(1);
    expect(states).toEqual(["connecting", "waiting", "closed"]);
  });

  it("may be called at any time, any number of times", () => {
    const { socket, states } = setUp();
    socket.stop();
    expect(states).toEqual([]);
    socket.start();
    socket.stop();
    socket.stop();
    expect(states).toEqual(["connecting", "closed"]);
  });

  it("leaves exactly one socket after start, stop, start", () => {
    const { socket, sockets, latest, alive, states } = setUp();
    socket.start();
    socket.stop();
    socket.start();
    expect(alive()).toEqual([latest()]);
    sockets[0]?.fail();
    latest().open();
    vi.advanceTimersByTime(10 * RECONNECT_DELAY_MS);
    expect(alive()).toEqual([latest()]);
    expect(sockets).toHaveLength(2);
    expect(states).toEqual(["connecting", "closed", "connecting", "open"]);
  });

  it.each(["connecting", "open", "waiting"] as const)("may come from the listener of %s", (fatal) => {
    const { WebSocket, sockets, alive, latest } = fakeWebSockets();
    const states: ConnectionState[] = [];
    const socket = createCounterSocket({
      url: ADDRESS,
      WebSocket,
      onMessage: () => {},
      onState: (state) => {
        states.push(state);
        if (state === fatal) socket.stop();
      },
    });
    socket.start();
    latest().open();
    latest().drop();
    vi.advanceTimersByTime(10 * RECONNECT_DELAY_MS);
    expect(states.slice(-2)).toEqual([fatal, "closed"]);
    expect(alive()).toEqual([]);
    expect(sockets).toHaveLength(1);
  });
});

describe("sending", () => {
  it("sends while open, and says so", () => {
    const { socket, latest } = setUp();
    socket.start();
    latest().open();
    expect(socket.send({ action: "increment" })).toBe(true);
    expect(latest().sent).toEqual([GET_CURRENT, { action: "increment" }]);
  });

  it("sends nothing otherwise, and says so", () => {
    const { socket, latest, sockets } = setUp();
    expect(socket.send({ action: "increment" })).toBe(false);
    socket.start();
    expect(socket.send({ action: "increment" })).toBe(false);
    latest().drop();
    expect(socket.send({ action: "increment" })).toBe(false);
    socket.stop();
    expect(socket.send({ action: "increment" })).toBe(false);
    expect(sockets.flatMap(({ sent }) => sent)).toEqual([]);
  });

  it("does not take a socket that is closing for an open one", () => {
    const { socket, latest } = setUp();
    socket.start();
    latest().open();
    latest().close();
    expect(socket.send({ action: "increment" })).toBe(false);
  });
});

it("takes the schedule that it is given", () => {
  const { WebSocket, sockets, latest } = fakeWebSockets();
  const tasks: { task: () => void; delayMs: number; cancelled: boolean }[] = [];
  const socket = createCounterSocket({
    url: ADDRESS,
    WebSocket,
    onState: () => {},
    onMessage: () => {},
    schedule: (task, delayMs) => {
      const entry = { task, delayMs, cancelled: false };
      tasks.push(entry);
      return () => {
        entry.cancelled = true;
      };
    },
  });
  socket.start();
  latest().drop();
  expect(tasks).toMatchObject([{ delayMs: 3000, cancelled: false }]);
  tasks[0]?.task();
  expect(sockets).toHaveLength(2);
  latest().drop();
  socket.stop();
  expect(tasks[1]?.cancelled).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
