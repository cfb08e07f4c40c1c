import { browserClock, type Clock } from "../src/client/clock";
import type { Page, PageEvent } from "../src/client/page";

/** A page whose life the test tells. */
export function fakePage() {
  const listeners = new Set<(event: PageEvent) => void>();
  const state = { hidden: false };
  const page: Page = {
    get hidden() {
      return state.hidden;
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    page,
    listeners,
    tell: (event: PageEvent) => listeners.forEach((listener) => listener(event)),
    hide(hidden: boolean) {
      state.hidden = hidden;
    },
  };
}

/**
 * The faked timers of vitest, without chance: the middle of what may happen. `late` makes all that is due from
 * now on fire so much later than it should.
 */
export function testClock() {
  let late = 0;
  const clock: Clock = { ...browserClock, now: () => performance.now() + late, random: () => 0.5 };
  return {
    clock,
    late(ms: number) {
      late += ms;
    },
  };
}

/** A Storage, as far as the page uses it. */
export function fakeStorage(): Storage {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, text) => void items.set(key, text),
    removeItem: (key) => void items.delete(key),
    clear: () => items.clear(),
  };
}
