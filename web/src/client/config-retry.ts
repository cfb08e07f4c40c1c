/** Retries of the configuration, because what is wrong with it may be corrected while the page is open. */

import { backoff, browserClock, type Clock } from "./clock";
import type { Config } from "./config";
import { browserPage, type Page } from "./page";
import { DEFAULT_TIMES, MAX_BACKOFF_FACTOR } from "./times";

/** The parts that the retries use, and their callback. */
export interface ConfigRetryOptions {
  load: () => Promise<Config>;
  /** Called after each attempt, with the configuration or its problem. */
  onConfig: (config: Config) => void;
  page?: Page;
  clock?: Clock;
}

/** Loads the configuration until it has no problem, with the delays of a lost connection. */
export async function loadUntilValid({
  load,
  onConfig,
  page = browserPage,
  clock = browserClock,
}: ConfigRetryOptions): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one attempt after another
    const config = await load();
    onConfig(config);
    if (!("problem" in config)) return;
    const { reconnectMs } = DEFAULT_TIMES;
    // oxlint-disable-next-line no-await-in-loop
    await pause(backoff(failures, reconnectMs, MAX_BACKOFF_FACTOR * reconnectMs, clock.random), page, clock);
  }
}

/** Waits until the delay is over, or the network is back, or the page is visible again. */
function pause(delayMs: number, page: Page, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      unsubscribe();
      resolve();
    };
    const cancel = clock.schedule(end, delayMs);
    const unsubscribe = page.subscribe((event) => {
      if (event === "resumed") end();
    });
  });
}
