import { describe, expect, it, vi } from "vitest";

import { type CloseReason, createConnection } from "../src/client/connection";
import type { ClientMessage, ServerMessage } from "../src/client/protocol";
import type { ResponseTimeout } from "../src/client/response-timeout";
import { DEFAULT_TIMES, KEEP_ALIVE_MS, OWN_RESPONSE_FACTOR } from "../src/client/times";
import { fakePage, testClock, withFakeTimers } from "./fake-page";
import { type FakeWebSocket, fakeWebSockets } from "./fake-web-socket";

const GET_CURRENT: ClientMessage = { action: "get-current" };
const GATEWAY_ERROR = '{"message":"Internal server error"}';
/** Longest silence. It stays the same in these tests; response-timeout.test.ts has its changes. */
const RESPONSE_MS = 5000;
const click = (id: string): ClientMessage => ({ action: "increment", id });

withFakeTimers();

function setUp(protocols?: string[]) {
  const { latest, WebSocket } = fakeWebSockets();
  const { page, setHidden } = fakePage();
  const { clock, late } = testClock();
  const timeout = {
    silenceMs: RESPONSE_MS,
    handshakeMs: 10_000,
    connected: vi.fn<ResponseTimeout["connected"]>(),
    measured: vi.fn<ResponseTimeout["measured"]>(),
    expired: vi.fn<ResponseTimeout["expired"]>(),
  };
  const messages: [ServerMessage, number | undefined][] = [];
  const reasons: CloseReason[] = [];
  /** The messages that had been sent at each call of onOpen. */
  const opened: unknown[][] = [];
  const connection = createConnection({
    url: "wss://example.test/prod",
    protocols,
    WebSocket,
    clock,
    page,
    times: DEFAULT_TIMES,
    timeout,
    onOpen: () => opened.push([...latest().sent]),
    onMessage: (...all) => messages.push(all),
    onClose: (reason) => reasons.push(reason),
  });
  /** Lets time pass until the connection ends. Returns how long that took. */
  function msUntilEnd() {
    const start = clock.now();
    while (reasons.length === 0 && clock.now() < start + 60_000) vi.advanceTimersByTime(1);
    return clock.now() - start;
  }
  return { connection, socket: latest(), timeout, messages, reasons, opened, setHidden, late, msUntilEnd };
}

/** A connection that is open and has received the response to its first get-current. */
function setUpOpen() {
  const parts = setUp();
  parts.socket.open();
  parts.socket.receiveValue(7);
  parts.messages.splice(0);
  parts.timeout.measured.mockClear();
  parts.socket.sent.splice(0);
  return parts;
}

/** A connection whose timer for the deadline of the click s:1 has fired a minute late, as after sleep. */
function setUpLate() {
  const parts = setUpOpen();
  parts.connection.send(click("s:1"));
  parts.late(60_000);
  vi.advanceTimersByTime(5000);
  expect(parts.reasons).toEqual([]);
  return parts;
}

describe("the handshake of a connection", () => {
  it.each([[undefined], [["counter", "bearer.a.b.c"]]])("offers the given subprotocols: %j", (protocols) => {
    expect(setUp(protocols).socket.protocols).toEqual(protocols);
  });

  it("sends get-current before it reports that it is open", () => {
    const { socket, opened } = setUp();
    socket.open();
    expect(opened).toEqual([[GET_CURRENT]]);
  });

  it("times out when the handshake takes 10 s", () => {
    const { msUntilEnd, reasons, socket, timeout } = setUp();
    expect([msUntilEnd(), reasons, socket.readyState, vi.getTimerCount()]).toEqual([10_000, ["timeout"], 2, 0]);
    expect(timeout.expired).toHaveBeenCalledOnce();
  });

  it("reports how long the handshake took", () => {
    const { socket, timeout } = setUp();
    vi.advanceTimersByTime(700);
    socket.open();
    expect(timeout.connected.mock.calls).toEqual([[700]]);
  });

  it("reports the connection as closed when the handshake fails", () => {
    const { socket, reasons, connection } = setUp();
    socket.fail();
    expect([reasons, connection.openedAt, vi.getTimerCount()]).toEqual([["closed"], undefined, 0]);
  });
});

describe("responses on a connection", () => {
  it("reports the round trip of each response, and none for a broadcast", () => {
    const { connection, socket, messages } = setUpOpen();
    connection.send(click("s:1"));
    vi.advanceTimersByTime(40);
    connection.send(click("s:2"));
    vi.advanceTimersByTime(10);
    socket.receiveValue(8, "s:1");
    socket.receiveError("busy", "s:2");
    socket.receiveValue(10);
    expect(messages.map(([, roundTrip]) => roundTrip)).toEqual([50, 10, undefined]);
  });

  it.each<[string, ClientMessage[], (socket: FakeWebSocket) => void, CloseReason[]]>([
    ["takes any value as the response to get-current", [GET_CURRENT], (socket) => socket.receiveValue(8), []],
    ["takes an error with the id of a click as its response", [click("s:1")], (socket) => socket.receiveError("busy", "s:1"), []],
    [
      "takes a gateway error as the response to every click, because it names none",
      [click("s:1"), click("s:2")],
      (socket) => socket.receive(GATEWAY_ERROR),
      [],
    ],
    ["takes a gateway error as the response to get-current", [GET_CURRENT], (socket) => socket.receive(GATEWAY_ERROR), []],
    ["takes an error without an id as the response to get-current", [GET_CURRENT], (socket) => socket.receiveError("unavailable"), []],
    ["takes an error with the id of a click as a response to get-current", [GET_CURRENT], (socket) => socket.receiveError("busy", "s:1"), []],
    [
      "takes an unreadable frame as the response to get-current and to every click",
      [GET_CURRENT, click("s:1"), click("s:2")],
      (socket) => socket.receive("garbage"),
      [],
    ],
    [
      "times out when a click gets only an error without an id that responds to get-current",
      [GET_CURRENT, click("s:1")],
      (socket) => socket.receiveError("unavailable"),
      ["timeout"],
    ],
    [
      "waits for the response to a request with an id, whatever its action",
      [{ action: "of-a-later-version", id: "s:1" } as unknown as ClientMessage],
      (socket) => socket.receiveValue(8),
      ["timeout"],
    ],
    [
      "times out when it is silent after responses to other requests",
      [click("s:1"), click("s:2")],
      (socket) => {
        socket.receiveValue(8, "s:2");
        socket.receiveValue(9);
      },
      ["timeout"],
    ],
  ])("%s", (_title, requests, receive, expected) => {
    const { connection, socket, reasons } = setUpOpen();
    for (const request of requests) connection.send(request);
    receive(socket);
    vi.advanceTimersByTime(RESPONSE_MS);
    expect(reasons).toEqual(expected);
  });
});

describe("the round trips that a connection measures", () => {
  it.each<[string, number, (parts: ReturnType<typeof setUpOpen>) => void, boolean]>([
    ["the response to a click as its own", 0, ({ socket }) => socket.receiveValue(8, "s:1"), true],
    ["the error to a click as its own", 0, ({ socket }) => socket.receiveError("busy", "s:1"), true],
    ["an update without an id after a silence as its own", RESPONSE_MS + 1, ({ socket }) => socket.receiveValue(8), true],
    ["an update among others as perhaps a broadcast", RESPONSE_MS, ({ socket }) => socket.receiveValue(8), false],
    ["a late response to an earlier click as perhaps not its own", 0, ({ socket }) => socket.receiveValue(8, "s:9"), false],
  ])("measures %s", (_case, quietMs, receive, isOwn) => {
    const parts = setUpOpen();
    vi.advanceTimersByTime(quietMs);
    parts.connection.sendHeartbeat();
    parts.connection.send(click("s:1"));
    vi.advanceTimersByTime(400);
    receive(parts);
    expect(parts.timeout.measured.mock.calls).toEqual([[400, isOwn]]);
  });

  it("measures nothing when a broadcast arrives while no response is due", () => {
    const { socket, timeout } = setUpOpen();
    socket.receiveValue(8);
    expect(timeout.measured).not.toHaveBeenCalled();
  });
});

describe("the response deadline of a connection", () => {
  it.each([
    ["a click", click("s:1")],
    ["get-current", GET_CURRENT],
  ])("times out when %s has no response for 5 s", (_case, message) => {
    const { connection, msUntilEnd, reasons, socket, timeout } = setUpOpen();
    connection.send(message);
    expect([msUntilEnd(), reasons, socket.readyState, vi.getTimerCount()]).toEqual([5000, ["timeout"], 2, 0]);
    expect(timeout.expired).toHaveBeenCalledOnce();
  });

  it("times out 5 s after the oldest request without a response", () => {
    const { connection, msUntilEnd } = setUpOpen();
    for (const id of ["s:1", "s:2"]) {
      connection.send(click(id));
      vi.advanceTimersByTime(1000);
    }
    expect(msUntilEnd()).toBe(3000);
  });

  it("uses a response that is later than 5 s if other frames have arrived", () => {
    const { connection, socket, reasons, messages } = setUpOpen();
    connection.send(click("s:1"));
    for (let frame = 1; frame <= 2; frame += 1) {
      vi.advanceTimersByTime(RESPONSE_MS - 1);
      socket.receiveValue(frame);
    }
    socket.receiveValue(9, "s:1");
    vi.advanceTimersByTime(2 * RESPONSE_MS);
    expect([reasons, messages.at(-1)?.[1]]).toEqual([[], 2 * (RESPONSE_MS - 1)]);
  });

  it("times out when a click has no response for 10 s, even while other frames arrive", () => {
    const { connection, socket, reasons } = setUpOpen();
    connection.send(click("s:1"));
    for (let second = 1; second < (OWN_RESPONSE_FACTOR * RESPONSE_MS) / 1000; second += 1) {
      vi.advanceTimersByTime(1000);
      socket.receiveValue(second);
    }
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(reasons).toEqual(["timeout"]);
  });

  it("times out 5 s after the last frame while a response is due", () => {
    const { connection, socket, msUntilEnd } = setUpOpen();
    for (const id of ["s:1", "s:2", "s:3"]) {
      connection.send(click(id));
      vi.advanceTimersByTime(1000);
    }
    socket.receiveValue(8, "s:1");
    expect(msUntilEnd()).toBe(5000);
  });

  it("restarts the deadline of a click that is sent again", () => {
    const { connection, msUntilEnd } = setUpOpen();
    for (const id of ["s:1", "s:2", "s:1"]) {
      connection.send(click(id));
      vi.advanceTimersByTime(1000);
    }
    expect(msUntilEnd()).toBe(3000);
  });

  it("reads waiting responses before it times out when its timer is late", () => {
    const { connection, reasons, socket } = setUpLate();
    connection.send(click("s:2"));
    vi.advanceTimersByTime(499);
    socket.receiveValue(8, "s:1");
    socket.receiveValue(9, "s:2");
    vi.advanceTimersByTime(RESPONSE_MS);
    expect(reasons).toEqual([]);
  });

  it.each([
    ["nothing", () => {}],
    ["a broadcast", (socket: FakeWebSocket) => socket.receiveValue(8)],
  ])("grants the grace period of a late timer only once, when %s arrives", (_case, receive) => {
    const { reasons, socket, late } = setUpLate();
    receive(socket);
    late(60_000);
    vi.advanceTimersByTime(500);
    expect(reasons).toEqual(["timeout"]);
  });
});

describe("the heartbeat of a connection", () => {
  it.each<[string, (parts: ReturnType<typeof setUp>) => void, number]>([
    ["a minute after the last value", ({ socket }) => socket.receiveValue(8), 60_000],
    ["in time when only an error arrived", ({ socket }) => socket.receiveError("unavailable"), 30_000],
    ["less often while the page is hidden", ({ setHidden }) => setHidden(true), KEEP_ALIVE_MS - 30_000],
  ])("sends a heartbeat %s", (_case, arrange, dueMs) => {
    const parts = setUpOpen();
    vi.advanceTimersByTime(30_000);
    arrange(parts);
    vi.advanceTimersByTime(dueMs - 1);
    expect(parts.socket.sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(parts.socket.sent).toEqual([GET_CURRENT]);
  });

  it("retries a heartbeat after errors with growing delays, at most a minute, until a value arrives", () => {
    const { connection, socket, reasons } = setUpOpen();
    const retriedAfter = () => {
      const sent = socket.sent.length;
      let ms = 0;
      for (; socket.sent.length === sent && ms < 100_000; ms += 100) vi.advanceTimersByTime(100);
      return ms;
    };
    connection.sendHeartbeat();
    const delays = Array.from({ length: 8 }, () => {
      vi.advanceTimersByTime(40);
      socket.receiveError("unavailable");
      return Math.floor(retriedAfter() / 1000);
    });
    expect(delays).toEqual([3, 3, 6, 12, 24, 48, 60, 60]);
    socket.receiveValue(8);
    expect(retriedAfter()).toBe(60_000);
    socket.receiveError("unavailable");
    expect([retriedAfter(), reasons]).toEqual([3000, []]);
  });

  it("does not postpone a heartbeat for an error that responds to a click", () => {
    const { connection, socket } = setUpOpen();
    vi.advanceTimersByTime(50_000);
    connection.send(click("s:1"));
    socket.receiveError("busy", "s:1");
    vi.advanceTimersByTime(9999);
    expect(socket.sent).toEqual([click("s:1")]);
    vi.advanceTimersByTime(1);
    expect(socket.sent).toEqual([click("s:1"), GET_CURRENT]);
  });

  it("sends the next heartbeat a minute after the response to the last one", () => {
    const { socket } = setUpOpen();
    vi.advanceTimersByTime(60_040);
    socket.receiveValue(8);
    vi.advanceTimersByTime(59_999);
    expect(socket.sent).toEqual([GET_CURRENT]);
    vi.advanceTimersByTime(1);
    expect(socket.sent).toEqual([GET_CURRENT, GET_CURRENT]);
  });

  it("sends within API Gateway's 10 idle minutes, even while values arrive", () => {
    const { socket } = setUpOpen();
    for (let second = 1; second < KEEP_ALIVE_MS / 1000; second += 1) {
      vi.advanceTimersByTime(1000);
      socket.receiveValue(second);
    }
    expect(socket.sent).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(socket.sent).toEqual([GET_CURRENT]);
  });

  it("sends no heartbeat while one is pending", () => {
    const { connection, socket } = setUpOpen();
    connection.sendHeartbeat();
    connection.sendHeartbeat();
    expect(socket.sent).toEqual([GET_CURRENT]);
  });
});

describe("the end of a connection", () => {
  it("reports the end of a connection once, and nothing after it", () => {
    const { connection, socket, reasons, messages, opened } = setUpOpen();
    socket.drop();
    socket.fail();
    socket.receiveValue(9);
    socket.open();
    expect([reasons, messages, opened.length, vi.getTimerCount()]).toEqual([["closed"], [], 1, 0]);
    expect(connection.send(click("s:1"))).toBe(false);
  });

  it("reports nothing about a connection after close()", () => {
    const { connection, socket, reasons, messages } = setUpOpen();
    connection.close();
    expect([socket.readyState, vi.getTimerCount()]).toEqual([2, 0]);
    socket.receiveValue(9);
    socket.drop();
    expect([reasons, messages, vi.getTimerCount()]).toEqual([[], [], 0]);
  });

  it("sends nothing before the handshake is complete and after the socket has started to close", () => {
    const { connection, socket } = setUp();
    expect(connection.send(click("s:1"))).toBe(false);
    connection.sendHeartbeat();
    socket.open();
    socket.close();
    expect(connection.send(click("s:1"))).toBe(false);
    expect(socket.sent).toEqual([GET_CURRENT]);
  });
});
