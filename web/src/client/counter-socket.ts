/** A WebSocket that reconnects: one connection at a time, replaced when it ends and before API Gateway closes it. */

import { backoff, browserClock, type Clock } from "./clock";
import { type CloseReason, type Connection, createConnection, type SocketConstructor } from "./connection";
import { browserPage, type Page, type PageEvent } from "./page";
import type { ClientMessage, ServerMessage } from "./protocol";
import { createResponseTimeout } from "./response-timeout";
import {
  DEFAULT_TIMES,
  MAX_BACKOFF_FACTOR,
  MIN_UPTIME_FACTOR,
  ROTATE_AFTER_MAX_MS,
  ROTATE_AFTER_MIN_MS,
  ROTATE_RETRY_MS,
  type Times,
  UNREACHABLE_AFTER_FAILURES,
} from "./times";

/**
 * - connecting: a handshake is under way
 * - open: messages can be sent
 * - waiting: the delay before the next attempt
 * - closed: not started, stopped, or the page is in the back/forward cache
 */
export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

/** Address, callbacks, and replacements for what the browser provides. */
export interface CounterSocketOptions {
  url: string;
  /** Subprotocols that each connection offers. */
  protocols?: string[] | undefined;
  /**
   * The state changed. "open" is also reported when a replacement connection takes over; only get-current has been
   * sent on it. `delayMs` is the whole delay and is only set for "waiting".
   */
  onState: (state: ConnectionState, delayMs?: number) => void;
  /** A message arrived. `roundTripMs` is the time since the request that it responds to, undefined if there is none. */
  onMessage: (message: ServerMessage, roundTripMs: number | undefined) => void;
  /** At least UNREACHABLE_AFTER_FAILURES attempts in a row failed. Called again after each further failure. */
  onUnreachable?: (() => void) | undefined;
  /**
   * No handshake has ever succeeded, and the last UNREACHABLE_AFTER_FAILURES in a row were rejected. The browser
   * hides the reason. Called again after each further rejection.
   */
  onRejected?: (() => void) | undefined;
  WebSocket?: SocketConstructor | undefined;
  clock?: Clock | undefined;
  page?: Page | undefined;
  times?: Times | undefined;
}

/** A WebSocket that stays connected between start() and stop(). Both may be called any number of times. */
export interface CounterSocket {
  start: () => void;
  stop: () => void;
  /** Sends the message if the state is "open". Returns whether it did. */
  send: (message: ClientMessage) => boolean;
}

/** Creates a socket in the state "closed". It never throws: a constructor that throws counts as a failed attempt. */
export function createCounterSocket({
  url,
  protocols,
  onState,
  onMessage,
  onUnreachable,
  onRejected,
  WebSocket = globalThis.WebSocket,
  clock = browserClock,
  page = browserPage,
  times = DEFAULT_TIMES,
}: CounterSocketOptions): CounterSocket {
  const timeout = createResponseTimeout(times.acknowledgeMs, clock);
  let state: ConnectionState = "closed";
  let connection: Connection | undefined;
  /** The connection that will replace the current one, until it has received a value. */
  let replacement: Connection | undefined;
  let failures = 0;
  let hasOpened = false;
  /** Handshakes in a row that ended with a rejection. */
  let rejections = 0;
  let cancelReconnect: (() => void) | undefined;
  let cancelRotation: (() => void) | undefined;
  let unsubscribe: (() => void) | undefined;

  // Must be the last step of a transition, because the listener may call start() or stop().
  function setState(next: ConnectionState, delayMs?: number) {
    if (state === next && next !== "open") return;
    state = next;
    onState(next, delayMs);
  }

  function open(): Connection {
    const opened: Connection = createConnection({
      url,
      protocols,
      WebSocket,
      clock,
      page,
      times,
      timeout,
      onOpen() {
        if (opened === connection) onOpen();
      },
      onMessage(message, roundTripMs) {
        // A replacement works once it has received an update. A handshake does not prove that.
        if (opened === replacement && message.type === "counter-update") switchToReplacement();
        onMessage(message, roundTripMs);
      },
      onClose(reason) {
        if (opened === connection) onClose(reason);
        else rotateAfter(ROTATE_RETRY_MS);
      },
    });
    return opened;
  }

  function connect() {
    cancelReconnect?.();
    try {
      connection = open();
    } catch {
      reconnectAfter(nextDelay());
      return;
    }
    setState("connecting");
  }

  function onOpen() {
    hasOpened = true;
    rotateAfter(ROTATE_AFTER_MIN_MS + (ROTATE_AFTER_MAX_MS - ROTATE_AFTER_MIN_MS) * clock.random());
    setState("open");
  }

  function onClose(reason: CloseReason) {
    const { openedAt, aliveAt = 0 } = connection ?? {};
    cancelRotation?.();
    connection = undefined;
    rejections = reason === "closed" ? rejections + 1 : 0;
    if (replacement !== undefined) {
      switchToReplacement();
      return;
    }
    // A connection that timed out has lasted until its last frame.
    const endedAt = reason === "timeout" ? aliveAt : clock.now();
    if (openedAt !== undefined && endedAt - openedAt >= MIN_UPTIME_FACTOR * times.reconnectMs) failures = 0;
    // Reconnect at once after a first timeout, because a missing response does not mean that the server is down.
    const atOnce = reason === "timeout" && openedAt !== undefined && failures === 0;
    const delayMs = nextDelay();
    if (atOnce) connect();
    else reconnectAfter(delayMs);
  }

  /** Counts a failure. Returns the delay before the next attempt in milliseconds. */
  function nextDelay(): number {
    const delayMs = backoff(failures, times.reconnectMs, MAX_BACKOFF_FACTOR * times.reconnectMs, clock.random);
    failures += 1;
    return delayMs;
  }

  function reconnectAfter(delayMs: number) {
    cancelReconnect = clock.schedule(connect, delayMs);
    setState("waiting", delayMs);
    if (failures >= UNREACHABLE_AFTER_FAILURES) onUnreachable?.();
    if (!hasOpened && rejections >= UNREACHABLE_AFTER_FAILURES) onRejected?.();
  }

  function rotateAfter(delayMs: number) {
    replacement = undefined;
    cancelRotation?.();
    cancelRotation = clock.schedule(rotate, delayMs);
  }

  function rotate() {
    try {
      replacement = open();
    } catch {
      rotateAfter(ROTATE_RETRY_MS);
    }
  }

  function switchToReplacement() {
    connection?.close();
    connection = replacement;
    replacement = undefined;
    if (connection?.openedAt === undefined) setState("connecting");
    else onOpen();
  }

  function disconnect() {
    cancelReconnect?.();
    cancelRotation?.();
    connection?.close();
    replacement?.close();
    connection = replacement = undefined;
    setState("closed");
  }

  function onPageEvent(event: PageEvent) {
    if (event === "pagehide") disconnect();
    else if (event === "pageshow" && state === "closed") connect();
    else if (event !== "offline" && state === "waiting") connect();
    else connection?.sendHeartbeat();
  }

  return {
    start() {
      if (unsubscribe !== undefined) return;
      unsubscribe = page.subscribe(onPageEvent);
      connect();
    },
    stop() {
      unsubscribe?.();
      unsubscribe = undefined;
      disconnect();
    },
    send: (message) => connection?.send(message) ?? false,
  };
}
