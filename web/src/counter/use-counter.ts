import { useEffect, useMemo, useSyncExternalStore } from "react";

import { type CounterState, createCounterStore } from "./store";

export interface Counter extends CounterState {
  increment: () => boolean;
}

/** The counter behind the given WebSocket URL, connected while the component is mounted. */
export function useCounter(webSocketUrl: string): Counter {
  const store = useMemo(() => createCounterStore({ url: webSocketUrl }), [webSocketUrl]);
  const state = useSyncExternalStore(store.subscribe, store.getSnapshot);

  useEffect(() => {
    store.start();
    return store.stop;
  }, [store]);

  return { ...state, increment: store.increment };
}
