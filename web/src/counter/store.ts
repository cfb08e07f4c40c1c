/** What the page knows of the counter, as a store that useSyncExternalStore can read. */

import {
  type ConnectionState,
  createCounterSocket,
  type Schedule,
  type SocketConstructor,
} from "./counter-socket";
import type { ServerMessage } from "./protocol";

export interface CounterState {
  /** The last value known, undefined before the first one. */
  value: number | undefined;
  connection: ConnectionState;
  /** What went wrong last, for a person; cleared by the next value. */
  error: string | undefined;
}

export interface CounterStore {
  getSnapshot: () => CounterState;
  subscribe: (listener: () => void) => () => void;
  start: () => void;
  stop: () => void;
  /** Asks for one more; returns whether the request was sent. */
  increment: () => boolean;
}

export interface CounterStoreOptions {
  url: string;
  WebSocket?: SocketConstructor;
  schedule?: Schedule;
}

export function createCounterStore({ url, WebSocket, schedule }: CounterStoreOptions): CounterStore {
  let state: CounterState = { value: undefined, connection: "closed", error: undefined };
  // Updates race each other while the counter only grows, so the greatest one is the newest. A new
  // connection starts anew: the backend behind it may have begun again at zero.
  let greatest = 0;
  const listeners = new Set<() => void>();

  function update(change: Partial<CounterState>) {
    state = { ...state, ...change };
    for (const listener of listeners) listener();
  }

  function onState(connection: ConnectionState) {
    if (connection === "open") greatest = 0;
    update({ connection });
  }

  function onMessage(message: ServerMessage) {
    if (message.type === "error") {
      update({ error: message.message });
      return;
    }
    greatest = Math.max(greatest, message.value);
    update({ value: greatest, error: undefined });
  }

  const socket = createCounterSocket({ url, onState, onMessage, WebSocket, schedule });

  return {
    getSnapshot: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    start: socket.start,
    stop: socket.stop,
    increment: () => socket.send({ action: "increment" }),
  };
}
