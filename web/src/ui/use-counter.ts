import { useEffect, useMemo, useSyncExternalStore } from "react";

import { type CounterState, type CounterStore, createCounterStore } from "../client/store";
import type { Times } from "../client/times";

/** The state, and what a user can do. */
export interface Counter {
  state: CounterState;
  actions: Pick<CounterStore, "dismissDropped" | "increment" | "readRate">;
}

/** How to reach the counter. A change of any field disconnects and starts again with a new store. */
export interface CounterAddress {
  webSocketUrl: string;
  times: Times;
  /** Subprotocols to offer, with the token among them. */
  protocols?: string[] | undefined;
  /** Several attempts in a row to connect failed; the caller may find a newer address. */
  onUnreachable?: (() => void) | undefined;
}

/** Connects to the counter while the component is mounted. */
export function useCounter({ webSocketUrl: url, times, protocols, onUnreachable }: CounterAddress): Counter {
  const store = useMemo(
    () => createCounterStore({ url, times, protocols, onUnreachable }),
    [url, times, protocols, onUnreachable],
  );
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot);

  useEffect(() => {
    store.start();
    return store.stop;
  }, [store]);

  return { state, actions: store };
}
