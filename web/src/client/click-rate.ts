/** Clicks of all users for each of the last 60 seconds, for the plot. */

/** Length of the plot. */
export const RATE_SECONDS = 60;

/** A sliding window of clicks per second. */
export interface ClickRate {
  /** Counts clicks in the current second. */
  add: (clicks: number) => void;
  /** Clicks in each of the last 60 seconds, the current one last. The same array until a count changes. */
  read: () => number[];
}

/** Creates an empty window. `now` returns monotonic milliseconds. */
export function createClickRate(now: () => number): ClickRate {
  /** Clicks by second, the newest last. Seconds without clicks are absent. */
  const counts = new Map<number, number>();
  let last: number[] = [];
  const second = () => Math.floor(now() / 1000);

  return {
    add(clicks) {
      const current = second();
      counts.set(current, (counts.get(current) ?? 0) + clicks);
      for (const old of counts.keys()) {
        if (old <= current - RATE_SECONDS) counts.delete(old);
      }
    },
    read() {
      const first = second() - RATE_SECONDS + 1;
      const clicks = Array.from({ length: RATE_SECONDS }, (_, index) => counts.get(first + index) ?? 0);
      if (clicks.some((count, index) => count !== last[index])) last = clicks;
      return last;
    },
  };
}
