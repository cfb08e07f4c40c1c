import { expect, it } from "vitest";

import { backoff } from "../src/client/clock";

it("backs off with the base delay twice, then doubles it up to the cap", () => {
  const means = [0, 1, 2, 3, 4, 5, 1000].map((failures) => backoff(failures, 3000, 30_000, () => 0.5));
  expect(means).toEqual([3000, 3000, 6000, 12_000, 20_000, 20_000, 20_000]);
});

it("spreads the delay by half to either side and never above the cap", () => {
  expect(backoff(0, 3000, 30_000, () => 0)).toBe(1500);
  expect(backoff(0, 3000, 30_000, () => 0.999)).toBeCloseTo(4500, -1);
  expect(backoff(9, 3000, 30_000, () => 0)).toBe(10_000);
  expect(backoff(9, 3000, 30_000, () => 0.999_999)).toBeLessThanOrEqual(30_000);
});
