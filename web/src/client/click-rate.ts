/** Clicks of everyone, second by second, for as far back as the plot shows. Pure but for the clock given. */

export const SECONDS = 60;

export interface ClickRate {
  add: (clicks: number) => void;
  /** Of each of the last 60 seconds, the oldest first, the one going on last. The same array until it changes. */
  read: () => number[];
}

/** `now` in milliseconds. */
export function createClickRate(now: () => number): ClickRate {
  // By second, the newest last.
  const counts = new Map<number, number>();
  let last: number[] = [];
  const second = () => Math.floor(now() / 1000);

  return {
    add(clicks) {
      const current = second();
      counts.set(current, (counts.get(current) ?? 0) + clicks);
      for (const old of counts.keys()) {
        if (old <= current - SECONDS) counts.delete(old);
      }
    },
    read() {
      const first = second() - SECONDS + 1;
      const clicks = Array.from({ length: SECONDS }, (_, index) => counts.get(first + index) ?? 0);
      if (clicks.some((count, index) => count !== last[index])) last = clicks;
      return last;
    },
  };
}
