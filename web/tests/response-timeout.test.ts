import { expect, it, vi } from "vitest";

import { createResponseTimeout, HALF_LIFE_MS } from "../src/client/response-timeout";
import { MAX_RESPONSE_MS } from "../src/client/times";
import { testClock, withFakeTimers } from "./fake-page";

const SHORTEST_MS = 5000;

withFakeTimers();

function setUp(random = 0) {
  const { clock } = testClock();
  return createResponseTimeout(SHORTEST_MS, { now: clock.now, random: () => random });
}

/** The timeout of a link with a first round trip of that many milliseconds. */
function setUpMeasured(roundTripMs = 100) {
  const timeout = setUp();
  timeout.measured(roundTripMs, true);
  return timeout;
}

it("allows a link that was never used three times the shortest timeout, and twice as long for the handshake", () => {
  const timeout = setUp();
  expect([timeout.silenceMs, timeout.handshakeMs]).toEqual([15_000, 30_000]);
});

it.each([
  [100, 5000],
  [2500, 5000],
  [4000, 8000],
  [12_000, 24_000],
])("allows twice the slowest round trip after one of %d ms", (roundTripMs, expected) => {
  expect(setUpMeasured(roundTripMs).silenceMs).toBe(expected);
});

it("takes the first handshake as a round trip, because a broadcast may be the first frame", () => {
  const timeout = setUp();
  timeout.connected(12_000);
  expect(timeout.silenceMs).toBe(24_000);
  timeout.measured(10, false);
  expect(timeout.silenceMs).toBe(24_000);
});

it("keeps the allowance of a link without a response after a fast handshake", () => {
  const timeout = setUp();
  timeout.connected(100);
  expect(timeout.silenceMs).toBe(15_000);
});

it("takes no handshake as longer than it allows, because the page was suspended meanwhile", () => {
  const timeout = setUp();
  timeout.connected(3_600_000);
  expect(timeout.silenceMs).toBe(60_000);
  const other = setUpMeasured();
  other.connected(3_600_000);
  expect(other.silenceMs).toBe(20_000);
});

it("takes no round trip as longer than it allows, because the page was suspended meanwhile", () => {
  const timeout = setUpMeasured();
  timeout.measured(3_600_000, true);
  expect(timeout.silenceMs).toBe(10_000);
});

it("doubles after each failure up to a minute, until a frame arrives that is certainly a response", () => {
  const timeout = setUpMeasured();
  const grown = [1, 2, 3, 4, 5].map(() => {
    timeout.expired();
    return [timeout.silenceMs, timeout.handshakeMs];
  });
  expect(grown).toEqual([
    [10_000, 10_000],
    [20_000, 20_000],
    [40_000, 40_000],
    [MAX_RESPONSE_MS, MAX_RESPONSE_MS],
    [MAX_RESPONSE_MS, MAX_RESPONSE_MS],
  ]);
  timeout.measured(100, false);
  expect(timeout.silenceMs).toBe(MAX_RESPONSE_MS);
  timeout.measured(100, true);
  expect(timeout.silenceMs).toBe(5000);
});

it("halves the effect of a slow round trip with each half-life of fast ones", () => {
  const timeout = setUpMeasured(16_000);
  timeout.expired();
  timeout.measured(16_000, true);
  const shrunk = [1, 2, 3].map(() => {
    vi.advanceTimersByTime(HALF_LIFE_MS);
    timeout.measured(0, true);
    return timeout.silenceMs;
  });
  // The first sample was limited to the 15 s that the link was allowed. The second was not limited.
  expect(shrunk).toEqual([16_000, 8000, 5000]);
});

it("shrinks by the time that has passed, not by the number of responses", () => {
  const timeout = setUpMeasured(12_000);
  for (let response = 1; response <= 100; response += 1) timeout.measured(0, true);
  expect(timeout.silenceMs).toBe(24_000);
});

it("grows with a slow broadcast and does not shrink with a fast one", () => {
  const timeout = setUpMeasured(1000);
  timeout.measured(4000, false);
  expect(timeout.silenceMs).toBe(8000);
  vi.advanceTimersByTime(HALF_LIFE_MS);
  timeout.measured(1, false);
  expect(timeout.silenceMs).toBe(8000);
});

it("adds up to half at random, drawn again after each failure", () => {
  const draws = [0, 0.999, 0.5];
  const timeout = createResponseTimeout(SHORTEST_MS, { now: () => 0, random: () => draws.shift() ?? 0 });
  timeout.measured(0, true);
  expect(timeout.silenceMs).toBe(5000);
  timeout.expired();
  expect(timeout.silenceMs).toBeCloseTo(10_000 * 1.4995);
  timeout.expired();
  expect(timeout.silenceMs).toBe(20_000 * 1.25);
});

it("never allows less than a shortest timeout of more than a minute", () => {
  const timeout = createResponseTimeout(300_000, { now: () => 0, random: () => 0 });
  timeout.expired();
  expect(timeout.silenceMs).toBe(300_000);
});
