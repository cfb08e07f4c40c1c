import { useEffect, useMemo, useSyncExternalStore } from "react";

import { type CounterState, type CounterStore, createCounterStore } from "../client/store";
import type { Times } from "../client/times";

export interface Counter extends CounterState, Pick<CounterStore, "dismissGivenUp" | "increment" | "readRate"> {}

export interface CounterAddress {
  webSocketUrl: string;
  times: Times;
  /** Nobody answers there any more; the caller may know a newer address. */
  onUnreachable?: (() => void) | undefined;
}

/** The counter at the given address, connected while the component is mounted. */
export function useCounter({ webSocketUrl: url, times, onUnreachable }: CounterAddress): Counter {
  const store = useMemo(
    () => createCounterStore({ url, times, onUnreachable }),
    [url, times, onUnreachable],
  );
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot);

  useEffect(() => {
    store.start();
    return store.stop;
  }, [store]);

  const { dismissGivenUp, increment, readRate } = store;
  return { ...state, dismissGivenUp, increment, readRate };
}
