import { afterEach, beforeEach, vi } from "vitest";

import { browserClock, type Clock } from "../src/client/clock";
import type { Page, PageEvent } from "../src/client/page";

/** A page whose events and visibility the test controls. `setHidden` fires no event. */
export function fakePage() {
  const listeners = new Set<(event: PageEvent) => void>();
  const state = { hidden: false };
  const page: Page = {
    get hidden() {
      return state.hidden;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return {
    page,
    listeners,
    fire: (event: PageEvent) => listeners.forEach((listener) => listener(event)),
    setHidden(hidden: boolean) {
      state.hidden = hidden;
    },
  };
}

/** Gives each test of the calling file vitest's fake timers. */
export function withFakeTimers() {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
}

/**
 * A clock on vitest's fake timers whose random number is always 0.5, the mean. `late` makes every timer that is due
 * from now on fire that many milliseconds late.
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

/** An empty Storage in memory. */
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
