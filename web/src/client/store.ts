/** The state of the counter as the page shows it: a store for useSyncExternalStore, without React. */

import { type ClickQueue, createClickQueue } from "./click-queue";
import { createClickRate } from "./click-rate";
import { createClickSender } from "./click-sender";
import { browserClock } from "./clock";
import { type ConnectionState, createCounterSocket, type CounterSocketOptions } from "./counter-socket";
import { respondsToAll, type ServerMessage } from "./protocol";

/** An immutable snapshot. */
export interface CounterState {
  /** The greatest value received, undefined before the first one. It does not include pending clicks. */
  value: number | undefined;
  connection: ConnectionState;
  /** The whole delay in milliseconds, while the connection is "waiting". */
  retryInMs: number | undefined;
  /** Number of this tab's clicks that the server has not acknowledged. */
  pending: number;
  /** Whether no further click can be pending. */
  full: boolean;
  /** Milliseconds from the last request to its response. */
  roundTripMs: number | undefined;
  /** The last error, as a sentence for the user; undefined after the next value. */
  error: string | undefined;
  /** Whether the server rejects every handshake, as it does for a page of an origin that it does not allow. */
  rejected: boolean;
  /** Clicks that were dropped since dismissDropped(). */
  droppedClicks: number;
}

/** The counter: its state, and what a user can do. */
export interface CounterStore {
  /** The current state. The same object until something changes. */
  getSnapshot: () => CounterState;
  /** Calls the listener after each change, until the returned function is called. */
  subscribe: (listener: () => void) => () => void;
  /** Restores the clicks of earlier pages and connects. */
  start: () => void;
  /** Disconnects. Pending clicks stay in the queue. */
  stop: () => void;
  /** Adds a click. Returns false if the queue is full. */
  increment: () => boolean;
  /** Resets `droppedClicks` to 0. */
  dismissDropped: () => void;
  /** Clicks of all users in each of the last 60 seconds, the oldest first. */
  readRate: () => number[];
}

/** The socket's address and callbacks, and replacements for what the browser provides. */
export interface CounterStoreOptions
  extends Pick<CounterSocketOptions, "url" | "protocols" | "WebSocket" | "clock" | "page" | "times" | "onUnreachable"> {
  queue?: ClickQueue;
  /** Reports a problem to the developers; by default in the browser's console. */
  warn?: (problem: string) => void;
}

const CANNOT_READ = "The server cannot read the counter right now.";
const BAD_VALUE = "The server sent a value that this page cannot show. The number above is the last valid value.";
const SERVER_BUSY = "The server cannot count clicks right now. Yours are saved and will be retried automatically.";

/** Creates a store that is not connected. A store has one address for its whole life. */
export function createCounterStore({
  queue = createClickQueue(),
  clock = browserClock,
  warn = console.warn,
  ...options
}: CounterStoreOptions): CounterStore {
  let state: CounterState = {
    value: undefined,
    connection: "closed",
    retryInMs: undefined,
    pending: queue.size,
    full: queue.full,
    roundTripMs: undefined,
    error: undefined,
    rejected: false,
    droppedClicks: 0,
  };
  const reported = new Set<string>();
  const rate = createClickRate(clock.now);
  const listeners = new Set<() => void>();
  /**
   * False until a connection's first value: that jump covers clicks made while disconnected and must not count towards
   * the rate.
   */
  let hasBaseline = false;

  function update(change: Partial<CounterState>) {
    const next = { ...state, ...change, pending: queue.size, full: queue.full };
    const isSame = (Object.keys(next) as (keyof CounterState)[]).every((key) => next[key] === state[key]);
    if (isSame) return;
    state = next;
    for (const listener of listeners) listener();
  }

  /** Reports a problem once, because it would come again with every message. */
  function report(problem: string) {
    if (reported.has(problem)) return;
    reported.add(problem);
    warn(problem);
  }

  // The counter only grows and messages may arrive out of order, so the greatest value is the newest.
  // See docs/adr/0013-the-page-keeps-its-own-connection.md.
  function applyValue(value: number) {
    const grown = state.value === undefined ? 0 : value - state.value;
    if (hasBaseline && grown > 0) rate.add(grown);
    hasBaseline = true;
    update({ value: Math.max(state.value ?? 0, value), error: undefined });
  }

  function onMessage(message: ServerMessage, roundTripMs: number | undefined) {
    switch (message.type) {
      case "counter-update":
        if (message.id !== undefined) sender.acknowledged(message.id);
        if (message.value === undefined) onBadValue();
        else applyValue(message.value);
        break;
      case "unknown":
        report(`The server sent a message of the unknown type “${message.name}”. Reload the page to update it.`);
        break;
      case "error":
        onError(message);
        break;
    }
    // The message may be the response to a click. A retry is harmless, because an op id counts once.
    if (respondsToAll(message)) sender.retryLater();
    update(roundTripMs === undefined ? {} : { roundTripMs });
  }

  function onBadValue() {
    report("The server sent a value that is not a whole number from 0 to 9007199254740991. Correct the stored value.");
    update({ error: BAD_VALUE });
  }

  function onError({ code, id, message }: Extract<ServerMessage, { type: "error" }>) {
    if (code === "bad-id") {
      sender.rejected(id);
      update({ error: message });
    } else if (id === undefined) {
      if (code === "unreadable") report(message);
      update({ error: code === "busy" || code === "unavailable" ? CANNOT_READ : message });
    } else {
      sender.retryLater(id);
      if (sender.consecutiveFailures > 1) update({ error: SERVER_BUSY });
    }
  }

  const socket = createCounterSocket({
    ...options,
    clock,
    onMessage,
    onState(connection, retryInMs) {
      if (connection === "open") {
        hasBaseline = false;
        queue.restore();
        sender.connected();
      } else {
        sender.disconnected();
      }
      update(connection === "open" ? { connection, retryInMs, rejected: false } : { connection, retryInMs });
    },
    onRejected: () => update({ rejected: true }),
  });

  const sender = createClickSender({
    queue,
    clock,
    send: socket.send,
    onDropped: (clicks) => update({ droppedClicks: state.droppedClicks + clicks }),
  });

  return {
    getSnapshot: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    start() {
      queue.restore();
      update({});
      socket.start();
    },
    stop: socket.stop,
    increment() {
      const added = sender.click();
      update({});
      return added;
    },
    dismissDropped: () => update({ droppedClicks: 0 }),
    readRate: rate.read,
  };
}
