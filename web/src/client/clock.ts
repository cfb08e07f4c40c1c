/** Time and chance as the page's parts are given them, so that a test can put its own in their place. */

/** Runs the task after the delay, unless the returned function is called first. */
export type Schedule = (task: () => void, delayMs: number) => () => void;

export interface Clock {
  /** Milliseconds for spans: unlike the date they never jump. */
  now: () => number;
  schedule: Schedule;
  /** At least 0, less than 1. */
  random: () => number;
}

export const browserClock: Clock = {
  now: () => performance.now(),
  schedule: (task, delayMs) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/**
 * How long to wait after so many failures in a row, in milliseconds: the base twice, for one failure says little,
 * then doubling. Spread by half to either side, so that pages which failed together do not come back together, and
 * never above the cap.
 */
export function backoff(failures: number, baseMs: number, capMs: number, random: () => number): number {
  const mean = Math.min(baseMs * 2 ** Math.max(0, failures - 1), capMs / 1.5);
  return mean * (0.5 + random());
}
