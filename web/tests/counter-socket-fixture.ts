/** A counter socket on fake WebSockets, a fake clock and a fake page. Tests that use it need vitest's fake timers. */

import { vi } from "vitest";

import { type ConnectionState, createCounterSocket } from "../src/client/counter-socket";
import type { ServerMessage } from "../src/client/protocol";
import { DEFAULT_TIMES, ROTATE_AFTER_MAX_MS, ROTATE_AFTER_MIN_MS } from "../src/client/times";
import { fakePage, testClock } from "./fake-page";
import { fakeWebSockets } from "./fake-web-socket";

export const ADDRESS = "wss://example.test/prod";
export const GET_CURRENT = { action: "get-current" };
export const CLICK = { action: "increment", id: "session-of-the-test:1" } as const;
export const RECONNECT_MS = DEFAULT_TIMES.reconnectMs;
const JITTER = 1.25;
/** Longest silence on a fast link, because the test clock's random number is always 0.5. */
export const RESPONSE_MS = DEFAULT_TIMES.acknowledgeMs * JITTER;
/** Longest first handshake. */
export const HANDSHAKE_MS = 6 * RESPONSE_MS;
/** Age at which a connection is replaced, because the test clock's random number is always 0.5. */
export const ROTATE_AFTER_MS = (ROTATE_AFTER_MIN_MS + ROTATE_AFTER_MAX_MS) / 2;

export type Parts = ReturnType<typeof setUp>;

/** A socket that is not started, and records of what it reported. `listener` receives each state, too. */
export function setUp(listener?: (state: ConnectionState) => void) {
  const network = fakeWebSockets();
  const states: ConnectionState[] = [];
  const delays: (number | undefined)[] = [];
  const messages: ServerMessage[] = [];
  const onUnreachable = vi.fn<() => void>();
  const onRejected = vi.fn<() => void>();
  const { page, fire, listeners } = fakePage();
  const socket = createCounterSocket({
    url: ADDRESS,
    onState(state, delayMs) {
      states.push(state);
      if (state === "waiting") delays.push(delayMs);
      listener?.(state);
    },
    onMessage: (message) => messages.push(message),
    onUnreachable,
    onRejected,
    WebSocket: network.WebSocket,
    clock: testClock().clock,
    page,
  });
  return { ...network, socket, states, delays, messages, onUnreachable, onRejected, fire, listeners };
}

/** A socket whose first handshake is under way. */
export function setUpStarted() {
  const parts = setUp();
  parts.socket.start();
  return parts;
}

/** A socket that is open and has received its first value. */
export function setUpOpen() {
  const parts = setUpStarted();
  parts.latest().open();
  parts.latest().receiveValue(1);
  parts.messages.splice(0);
  return parts;
}

/** Lets time pass while every open connection receives a value each second. */
export function live({ alive }: Parts, ms: number) {
  for (let rest = ms; rest > 0; rest -= 1000) {
    for (const each of alive()) if (each.readyState === 1) each.receiveValue(1);
    vi.advanceTimersByTime(Math.min(rest, 1000));
  }
}

/** Ends attempts to connect with the given callback, and lets the delay pass after each one. */
export function fail({ latest, delays }: Parts, attempts: number, end = () => latest().fail()) {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    end();
    vi.advanceTimersByTime(delays.at(-1) ?? 0);
  }
}

/** Sends a click on a connection that has lasted, and lets its response deadline pass. */
export function timeOut(parts: Parts) {
  live(parts, 10_000);
  parts.socket.send(CLICK);
  vi.advanceTimersByTime(RESPONSE_MS);
}
