/** Time and randomness, passed to every part of the client so that a test can replace them. */

/** Runs the task once, after the delay. The returned function cancels it. */
export type Schedule = (task: () => void, delayMs: number) => () => void;

/** A monotonic clock, timers and a random number generator. */
export interface Clock {
  /** Monotonic time in milliseconds, for durations. Unlike the date it never jumps. */
  now: () => number;
  schedule: Schedule;
  /** A random number: at least 0, less than 1. */
  random: () => number;
}

/** The clock in the browser. */
export const browserClock: Clock = {
  now: () => performance.now(),
  schedule: (task, delayMs) => {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/**
 * Exponential backoff with ±50 % jitter: the base delay for the first two attempts, then doubling up to the cap. The
 * jitter keeps pages that failed together from reconnecting together.
 *
 * Returns the delay in milliseconds after `failures` failures in a row; never more than `capMs`.
 */
export function backoff(failures: number, baseMs: number, capMs: number, random: () => number): number {
  const mean = Math.min(baseMs * 2 ** Math.max(0, failures - 1), capMs / 1.5);
  return mean * (0.5 + random());
}
