import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type ConnectionState, createCounterSocket } from "../src/client/counter-socket";
import { ADDRESS, CLICK, GET_CURRENT, RECONNECT_MS, setUp, setUpOpen } from "./counter-socket-fixture";
import { fakePage } from "./fake-page";
import { fakeWebSockets } from "./fake-web-socket";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("start()", () => {
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

describe("send()", () => {
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

describe("stop()", () => {
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
