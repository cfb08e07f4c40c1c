/** What the page knows of the counter, as a store that useSyncExternalStore can read. */

import { type ClickQueue, createClickQueue } from "./click-queue";
import { createClickRate } from "./click-rate";
import { createClickSender } from "./click-sender";
import { browserClock } from "./clock";
import { type ConnectionState, createCounterSocket, type CounterSocketOptions } from "./counter-socket";
import type { ServerMessage } from "./protocol";

export interface CounterState {
  /** The greatest value known, undefined before the first one. Pending clicks are not in it. */
  value: number | undefined;
  connection: ConnectionState;
  /** How long the pause is, while the connection is "waiting". */
  retryInMs: number | undefined;
  /** This tab's clicks that the server has not acknowledged. */
  pending: number;
  /** There is no room for another pending click. */
  full: boolean;
  /** From the last request to its answer. */
  roundTripMs: number | undefined;
  /** What went wrong last, for a person; cleared by the next value. */
  error: string | undefined;
  /** Clicks that will not be sent again, until the reader has seen it. */
  givenUp: number;
}

export interface CounterStore {
  getSnapshot: () => CounterState;
  subscribe: (listener: () => void) => () => void;
  start: () => void;
  stop: () => void;
  /** One more click; returns whether there was room for it. */
  increment: () => boolean;
  dismissGivenUp: () => void;
  /** Clicks of everyone in each of the last seconds, the oldest first. */
  readRate: () => number[];
}

export interface CounterStoreOptions
  extends Pick<CounterSocketOptions, "url" | "WebSocket" | "clock" | "page" | "times" | "onUnreachable"> {
  queue?: ClickQueue;
}

const PATIENCE = "The server cannot count clicks at the moment. They are kept, and sent again by themselves.";

export function createCounterStore({
  queue = createClickQueue(),
  clock = browserClock,
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
    givenUp: 0,
  };
  const rate = createClickRate(clock.now);
  const listeners = new Set<() => void>();
  /** The first value of a connection tells of clicks that nobody saw happen. */
  let watching = false;

  function update(change: Partial<CounterState>) {
    const next = { ...state, ...change, pending: queue.size, full: queue.full };
    const isSame = (Object.keys(next) as (keyof CounterState)[]).every((key) => next[key] === state[key]);
    if (isSame) return;
    state = next;
    for (const listener of listeners) listener();
  }

  // Updates race each other while the counter only grows, so the greatest one is the newest. That holds for one
  // address as long as the page lives; another address is another store.
  function take(value: number) {
    const grown = state.value === undefined ? 0 : value - state.value;
    if (watching && grown > 0) rate.add(grown);
    watching = true;
    update({ value: Math.max(state.value ?? 0, value), error: undefined });
  }

  function onMessage(message: ServerMessage, roundTripMs: number | undefined) {
    switch (message.type) {
      case "counter-update":
        if (message.id !== undefined) sender.acknowledged(message.id);
        take(message.value);
        break;
      case "error":
        onError(message);
        break;
    }
    update(roundTripMs === undefined ? {} : { roundTripMs });
  }

  function onError({ code, id, message }: Extract<ServerMessage, { type: "error" }>) {
    if (code === "bad-id") {
      sender.refused(id);
      update({ error: message });
    } else if (id === undefined) {
      if (code === "gateway") sender.postponed();
      update({ error: message });
    } else {
      sender.postponed(id);
      if (sender.troubles > 1) update({ error: PATIENCE });
    }
  }

  const socket = createCounterSocket({
    ...options,
    clock,
    onMessage,
    onState(connection, retryInMs) {
      if (connection === "open") {
        watching = false;
        queue.adopt();
        sender.connected();
      } else {
        sender.disconnected();
      }
      update({ connection, retryInMs });
    },
  });

  const sender = createClickSender({
    queue,
    clock,
    send: socket.send,
    onGivenUp: (clicks) => update({ givenUp: state.givenUp + clicks }),
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
      queue.adopt();
      update({});
      socket.start();
    },
    stop: socket.stop,
    increment() {
      const taken = sender.click();
      update({});
      return taken;
    },
    dismissGivenUp: () => update({ givenUp: 0 }),
    readRate: rate.read,
  };
}
