import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type CloseReason, createConnection } from "../src/client/connection";
import type { ServerMessage } from "../src/client/protocol";
import { KEEP_ALIVE_MS, DEFAULT_TIMES } from "../src/client/times";
import { fakePage, testClock } from "./fake-page";
import { fakeWebSockets } from "./fake-web-socket";

const GET_CURRENT = { action: "get-current" };
const click = (id: string) => ({ action: "increment", id }) as const;

function setUp() {
  const { latest, WebSocket } = fakeWebSockets();
  const { page, setHidden } = fakePage();
  const { clock, late } = testClock();
  const messages: [ServerMessage, number | undefined][] = [];
  const reasons: CloseReason[] = [];
  const onOpen = vi.fn<() => void>();
  const connection = createConnection({
    url: "wss://example.test/prod",
    WebSocket,
    clock,
    page,
    times: DEFAULT_TIMES,
    onOpen,
    onMessage: (...all) => messages.push(all),
    onClose: (reason) => reasons.push(reason),
  });
  return { connection, socket: latest(), messages, reasons, onOpen, setHidden, late };
}

/** A connection that is open and has received the response to its first get-current. */
function setUpOpen() {
  const parts = setUp();
  parts.socket.open();
  parts.socket.receiveValue(7);
  parts.messages.splice(0);
  parts.socket.sent.splice(0);
  return parts;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("the handshake of a connection", () => {
  it("sends get-current before it reports that it is open", () => {
    const { socket, onOpen } = setUp();
    onOpen.mockImplementation(() => expect(socket.sent).toEqual([GET_CURRENT]));
    socket.open();
    expect(onOpen).toHaveBeenCalledTimes(1);
  });

  it("times out when the handshake takes 10 s", () => {
    const { socket, reasons } = setUp();
    vi.advanceTimersByTime(9999);
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(1);
    expect([reasons, socket.readyState]).toEqual([["timeout"], 2]);
  });

  it("reports closed when the handshake fails", () => {
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
    socket.receiveValue(9, "s:2");
    socket.receiveValue(10);
    expect(messages.map(([, roundTrip]) => roundTrip)).toEqual([50, 10, undefined]);
  });

  it("takes any value as the response to get-current", () => {
    const { connection, socket, messages, reasons } = setUpOpen();
    connection.sendHeartbeat();
    vi.advanceTimersByTime(30);
    socket.receiveValue(8);
    expect(messages.at(-1)?.[1]).toBe(30);
    vi.advanceTimersByTime(DEFAULT_TIMES.acknowledgeMs);
    expect(reasons).toEqual([]);
  });

  it("takes an error with the id of a click as its response", () => {
    const { connection, socket, messages, reasons } = setUpOpen();
    connection.send(click("s:1"));
    socket.receiveError("busy", "s:1");
    vi.advanceTimersByTime(DEFAULT_TIMES.acknowledgeMs);
    expect(messages).toMatchObject([[{ code: "busy", id: "s:1" }, 0]]);
    expect(reasons).toEqual([]);
  });

  it("takes a gateway error as the response to every click, because it names none", () => {
    const { connection, socket, reasons } = setUpOpen();
    connection.send(click("s:1"));
    connection.send(click("s:2"));
    socket.receive('{"message":"Internal server error"}');
    vi.advanceTimersByTime(DEFAULT_TIMES.acknowledgeMs);
    expect(reasons).toEqual([]);
  });

  it("times out when get-current gets only a gateway error", () => {
    const { connection, socket, reasons } = setUpOpen();
    connection.sendHeartbeat();
    socket.receive('{"message":"Internal server error"}');
    vi.advanceTimersByTime(DEFAULT_TIMES.acknowledgeMs);
    expect(reasons).toEqual(["timeout"]);
  });
});

describe("the response deadline of a connection", () => {
  it.each([
    ["a click", click("s:1")],
    ["a question", GET_CURRENT as { action: "get-current" }],
  ])("times out when %s has no response for 5 s", (_case, message) => {
    const { connection, reasons, socket } = setUpOpen();
    connection.send(message);
    vi.advanceTimersByTime(4999);
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(1);
    expect([reasons, socket.readyState, vi.getTimerCount()]).toEqual([["timeout"], 2, 0]);
  });

  it("times out 5 s after the oldest request without a response", () => {
    const { connection, reasons, socket } = setUpOpen();
    connection.send(click("s:1"));
    vi.advanceTimersByTime(3000);
    connection.send(click("s:2"));
    socket.receiveValue(8, "s:1");
    vi.advanceTimersByTime(4999);
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(reasons).toEqual(["timeout"]);
  });

  it("times out when only other responses arrive", () => {
    const { connection, reasons, socket } = setUpOpen();
    connection.send(click("s:1"));
    socket.receiveValue(8, "s:2");
    socket.receiveValue(9);
    vi.advanceTimersByTime(5000);
    expect(reasons).toEqual(["timeout"]);
  });

  it("restarts the deadline of a click that is sent again", () => {
    const { connection, reasons, socket } = setUpOpen();
    connection.send(click("s:1"));
    socket.receiveError("busy", "s:1");
    vi.advanceTimersByTime(4000);
    connection.send(click("s:1"));
    vi.advanceTimersByTime(4999);
    expect(reasons).toEqual([]);
  });

  it("times out 5 s after the second request when the first was sent again", () => {
    const { connection, reasons } = setUpOpen();
    connection.send(click("s:1"));
    vi.advanceTimersByTime(1000);
    connection.send(click("s:2"));
    vi.advanceTimersByTime(1000);
    connection.send(click("s:1"));
    vi.advanceTimersByTime(3999);
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(reasons).toEqual(["timeout"]);
  });

  it("reads waiting responses before it times out when its timer is late", () => {
    const { connection, reasons, socket, late } = setUpOpen();
    connection.send(click("s:1"));
    late(60_000); // as in a hidden tab, or after sleep
    vi.advanceTimersByTime(5000);
    expect(reasons).toEqual([]);
    socket.receiveValue(8, "s:1");
    vi.advanceTimersByTime(DEFAULT_TIMES.acknowledgeMs);
    expect(reasons).toEqual([]);
  });

  it("keeps the grace period of a late timer when something is sent meanwhile", () => {
    const { connection, reasons, socket, late } = setUpOpen();
    connection.send(click("s:1"));
    late(60_000);
    vi.advanceTimersByTime(5000);
    connection.send(click("s:2"));
    vi.advanceTimersByTime(499);
    expect(reasons).toEqual([]);
    socket.receiveValue(8, "s:1");
    vi.advanceTimersByTime(4000);
    expect(reasons).toEqual([]);
  });

  it("does not extend the grace period of a late timer when broadcasts arrive", () => {
    const { connection, reasons, socket, late } = setUpOpen();
    connection.send(click("s:1"));
    late(60_000);
    vi.advanceTimersByTime(5000);
    socket.receiveValue(8);
    late(60_000);
    vi.advanceTimersByTime(500);
    expect(reasons).toEqual(["timeout"]);
  });

  it("grants the grace period of a late timer only once", () => {
    const { connection, reasons, late } = setUpOpen();
    connection.send(click("s:1"));
    late(60_000);
    vi.advanceTimersByTime(5000);
    late(60_000);
    vi.advanceTimersByTime(500);
    expect(reasons).toEqual(["timeout"]);
  });
});

describe("the heartbeat of a connection", () => {
  it("sends a heartbeat a minute after the last value", () => {
    const { socket } = setUpOpen();
    vi.advanceTimersByTime(30_000);
    socket.receiveValue(8);
    vi.advanceTimersByTime(59_999);
    expect(socket.sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(socket.sent).toEqual([GET_CURRENT]);
  });

  it("sends a heartbeat every minute while values arrive only as responses", () => {
    const { socket } = setUpOpen();
    for (let minute = 1; minute <= 30; minute += 1) {
      vi.advanceTimersByTime(60_000);
      expect(socket.sent).toHaveLength(minute);
      socket.receiveValue(8);
    }
  });

  it("sends the heartbeat in time when only an error arrived", () => {
    const { socket } = setUpOpen();
    vi.advanceTimersByTime(30_000);
    socket.receiveError("unavailable");
    vi.advanceTimersByTime(30_000);
    expect(socket.sent).toEqual([GET_CURRENT]);
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

  it("sends heartbeats less often while the page is hidden", () => {
    const { socket, setHidden } = setUpOpen();
    setHidden(true);
    vi.advanceTimersByTime(KEEP_ALIVE_MS - 1);
    expect(socket.sent).toEqual([]);
    vi.advanceTimersByTime(1);
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
  it("reports its end once and nothing after it", () => {
    const { connection, socket, reasons, messages, onOpen } = setUpOpen();
    socket.drop();
    socket.fail();
    socket.receiveValue(9);
    socket.open();
    expect([reasons, messages, onOpen.mock.calls.length, vi.getTimerCount()]).toEqual([["closed"], [], 1, 0]);
    expect(connection.send(click("s:1"))).toBe(false);
  });

  it("reports nothing after close()", () => {
    const { connection, socket, reasons, messages } = setUpOpen();
    connection.close();
    expect(socket.readyState).toBe(2);
    socket.receiveValue(9);
    socket.drop();
    vi.advanceTimersByTime(10 * KEEP_ALIVE_MS);
    expect([reasons, messages, vi.getTimerCount()]).toEqual([[], [], 0]);
  });

  it("sends nothing on a socket that is closing", () => {
    const { connection, socket } = setUpOpen();
    socket.close();
    expect(connection.send(click("s:1"))).toBe(false);
  });

  it("sends nothing before the handshake is complete", () => {
    const { connection, socket } = setUp();
    expect(connection.send(click("s:1"))).toBe(false);
    connection.sendHeartbeat();
    expect(socket.sent).toEqual([]);
  });
});
