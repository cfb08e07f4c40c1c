import { expect, it, vi } from "vitest";

import type { Config } from "../src/client/config";
import { loadUntilValid } from "../src/client/config-retry";
import { DEFAULT_TIMES } from "../src/client/times";
import { fakePage, testClock, withFakeTimers } from "./fake-page";

const PROBLEM = { problem: "The file is missing." };
const VALID = { webSocketUrl: "wss://a.test/prod", times: DEFAULT_TIMES };

withFakeTimers();

/** Starts to load; each attempt has the next of the results. */
async function start(results: Config[]) {
  const load = vi.fn<() => Promise<Config>>(async () => results.shift() ?? PROBLEM);
  const shown: Config[] = [];
  const page = fakePage();
  void loadUntilValid({ load, onConfig: (config) => shown.push(config), page: page.page, clock: testClock().clock });
  await vi.advanceTimersByTimeAsync(0);
  return { load, shown, ...page };
}

it("loads a valid configuration once", async () => {
  const { shown, listeners } = await start([VALID]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(shown).toEqual([VALID]);
  expect(listeners.size).toBe(0);
});

it("retries a configuration with a problem, with the delays of a lost connection, until it is valid", async () => {
  const { load, shown } = await start([PROBLEM, PROBLEM, PROBLEM, PROBLEM, PROBLEM, PROBLEM, VALID]);
  const times = [0, 3, 6, 12, 24, 44, 64];
  const attempts = Array.from({ length: 65 }, (_, second) => times.filter((time) => time <= second).length);
  const seen = [load.mock.calls.length];
  while (seen.length < attempts.length) {
    // oxlint-disable-next-line no-await-in-loop -- one second after another
    await vi.advanceTimersByTimeAsync(1000);
    seen.push(load.mock.calls.length);
  }
  expect(seen).toEqual(attempts);
  expect(shown.at(-1)).toBe(VALID);
});

it("retries at once when the network is back or the page is visible again, and not on other events", async () => {
  const { fire, load, listeners } = await start([PROBLEM, VALID]);
  for (const event of ["offline", "pagehide", "pageshow"] as const) fire(event);
  await vi.advanceTimersByTimeAsync(0);
  expect(load).toHaveBeenCalledTimes(1);
  fire("resumed");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(load).toHaveBeenCalledTimes(2);
  expect(listeners.size).toBe(0);
});
