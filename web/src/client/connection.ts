/** One WebSocket, from its handshake to its close: sends requests, matches responses, and detects a dead peer. */

import { backoff, type Clock } from "./clock";
import type { Page } from "./page";
import { type ClientMessage, encode, parse, respondsToAll, type ServerMessage } from "./protocol";
import type { ResponseTimeout } from "./response-timeout";
import { KEEP_ALIVE_MS, OWN_RESPONSE_FACTOR, type Times } from "./times";

/** The part of a WebSocket that a connection uses. */
export type Socket = Pick<WebSocket, "addEventListener" | "close" | "readyState" | "send">;

/** The browser's WebSocket class, or a test's. */
export type SocketConstructor = new (url: string, protocols?: string[]) => Socket;

/** Why a connection ended. "timeout": it was silent for too long. "closed": the socket was closed. */
export type CloseReason = "timeout" | "closed";

/** A WebSocket that notices when the server stops responding. */
export interface Connection {
  /** When the handshake ended, in milliseconds of the clock; undefined before. */
  readonly openedAt: number | undefined;
  /** When the last frame arrived, or else when the handshake ended. */
  readonly aliveAt: number;
  /** Sends the message if the connection is open. Returns whether it did. */
  send: (message: ClientMessage) => boolean;
  /** Sends a heartbeat unless one is pending. Its response has the stored value; after an error it is retried. */
  sendHeartbeat: () => void;
  /** Closes the socket. No callback is called after this. */
  close: () => void;
}

/** The parts that a connection uses, and its callbacks. */
export interface ConnectionOptions {
  url: string;
  /** Subprotocols to offer. */
  protocols?: string[] | undefined;
  WebSocket: SocketConstructor;
  clock: Clock;
  page: Page;
  times: Times;
  /** Longest silence. The connection reports to it how long responses take. */
  timeout: ResponseTimeout;
  /** The handshake is complete, and a first heartbeat is sent. */
  onOpen: () => void;
  /** A message arrived. `roundTripMs` is the time since the request that it responds to, undefined if there is none. */
  onMessage: (message: ServerMessage, roundTripMs: number | undefined) => void;
  /** The connection ended. Called once, and never after close(). */
  onClose: (reason: CloseReason) => void;
}

const OPEN = 1;

/**
 * The action that serves as heartbeat. It is also the key of every pending request without an id, because any frame
 * responds to those: it proves that the server is alive. A click's key is its op id.
 */
const HEARTBEAT = "get-current";

/**
 * A timer that fires later than this was throttled, as browsers do in hidden and busy tabs. Responses may then wait
 * to be read, so a deadline that has passed is extended once, by the same time.
 */
const GRACE_MS = 500;

/** Opens a WebSocket. Throws what its constructor throws, for example a SecurityError. */
export function createConnection({
  url,
  protocols,
  WebSocket,
  clock,
  page,
  times,
  timeout,
  onOpen,
  onMessage,
  onClose,
}: ConnectionOptions): Connection {
  const socket = new WebSocket(url, protocols);
  const createdAt = clock.now();
  let openedAt: number | undefined;
  let aliveAt = createdAt;
  /** When the last value arrived, or the last error that responded to a heartbeat. */
  let respondedAt = 0;
  /** Errors that responded to heartbeats since the last value. */
  let errors = 0;
  /** The delay after such an error; Infinity after a value. */
  let retryMs = Infinity;
  let lastSentAt = 0;
  let closed = false;
  /** The deadline that had passed when a late timer fired, and the end of its grace period. */
  let missedDeadline = NaN;
  let graceEnd = NaN;
  let cancelTimer: (() => void) | undefined;
  /** Key of each request without a response, with the time when it was sent; the oldest first. */
  const pending = new Map<string, number>();

  function nextDeadline(): number {
    const [oldest = Infinity] = pending.values();
    const deadline =
      openedAt === undefined
        ? createdAt + timeout.handshakeMs
        : Math.min(Math.max(oldest, aliveAt) + timeout.silenceMs, oldest + OWN_RESPONSE_FACTOR * timeout.silenceMs);
    return deadline === missedDeadline ? graceEnd : deadline;
  }

  function nextHeartbeat(): number {
    if (openedAt === undefined || pending.has(HEARTBEAT)) return Infinity;
    const intervalMs = page.hidden ? KEEP_ALIVE_MS : times.heartbeatMs;
    return Math.min(respondedAt + Math.min(retryMs, intervalMs), lastSentAt + KEEP_ALIVE_MS);
  }

  function schedule() {
    cancelTimer?.();
    const due = Math.min(nextDeadline(), nextHeartbeat());
    cancelTimer = clock.schedule(() => onTimer(due), Math.ceil(Math.max(0, due - clock.now())));
  }

  function onTimer(due: number) {
    const now = clock.now();
    const deadline = nextDeadline();
    if (now >= deadline) {
      if (deadline === graceEnd || now - due < GRACE_MS) {
        timeout.expired();
        end("timeout");
        return;
      }
      missedDeadline = deadline;
      graceEnd = now + GRACE_MS;
    } else if (now >= nextHeartbeat()) {
      sendHeartbeat();
    }
    schedule();
  }

  function close() {
    closed = true;
    cancelTimer?.();
    socket.close();
  }

  function end(reason: CloseReason) {
    close();
    onClose(reason);
  }

  function send(message: ClientMessage): boolean {
    // A closing WebSocket drops messages silently.
    if (closed || socket.readyState !== OPEN) return false;
    socket.send(encode(message));
    const key = "id" in message ? message.id : HEARTBEAT;
    lastSentAt = clock.now();
    pending.delete(key); // without this, set() would keep the key at its old position
    pending.set(key, lastSentAt);
    schedule();
    return true;
  }

  function sendHeartbeat() {
    if (!pending.has(HEARTBEAT)) send({ action: HEARTBEAT });
  }

  /** Removes the requests that the message responds to. Returns the round trip of the first one. */
  function settle(message: ServerMessage): number | undefined {
    const now = clock.now();
    if (message.type === "counter-update" && message.value !== undefined) {
      respondedAt = now;
      errors = 0;
      retryMs = Infinity;
    } else if (pending.has(HEARTBEAT)) {
      // The server is alive but overloaded, so the next heartbeat waits. Closing the connection would add to the load.
      respondedAt = now;
      retryMs = backoff(errors, times.reconnectMs, Infinity, clock.random);
      errors += 1;
    }
    const keys = message.id === undefined ? [HEARTBEAT] : [message.id, HEARTBEAT];
    // The click sender retries the clicks.
    if (respondsToAll(message)) keys.push(...pending.keys());
    const sentAt = keys.map((key) => pending.get(key)).find((at) => at !== undefined);
    if (sentAt !== undefined) {
      // After a silence, the first frame is the response to the heartbeat. Among other frames it may be a broadcast.
      const isOwn = (message.id !== undefined && pending.has(message.id)) || sentAt - aliveAt > timeout.silenceMs;
      timeout.measured(now - sentAt, isOwn);
    }
    aliveAt = now;
    for (const key of keys) pending.delete(key);
    schedule();
    return sentAt === undefined ? undefined : now - sentAt;
  }

  // Events can come minutes after close(), while the closing handshake lasts. So each listener checks `closed`.
  socket.addEventListener("open", () => {
    if (closed) return;
    openedAt = aliveAt = clock.now();
    timeout.connected(openedAt - createdAt);
    sendHeartbeat();
    onOpen();
  });
  socket.addEventListener("message", (event) => {
    if (closed) return;
    const message = parse(event.data);
    onMessage(message, settle(message));
  });
  // A failed attempt fires "error" and then "close", so "close" is enough.
  socket.addEventListener("close", () => {
    if (!closed) end("closed");
  });
  schedule();

  return {
    get openedAt() {
      return openedAt;
    },
    get aliveAt() {
      return aliveAt;
    },
    send,
    sendHeartbeat,
    close,
  };
}
