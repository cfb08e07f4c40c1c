import { expect, it } from "vitest";

import { createClickRate, RATE_SECONDS } from "../src/client/click-rate";

function setUp() {
  const time = { now: 123_456_000 };
  const rate = createClickRate(() => time.now);
  return { rate, pass: (seconds: number) => (time.now += 1000 * seconds) };
}

it("counts clicks by second, the newest last", () => {
  const { rate, pass } = setUp();
  rate.add(1);
  pass(0.999);
  rate.add(2);
  pass(0.001);
  rate.add(5);
  pass(2);
  expect(rate.read().slice(-4)).toEqual([3, 5, 0, 0]);
});

it("drops clicks that are older than a minute", () => {
  const { rate, pass } = setUp();
  rate.add(1);
  pass(RATE_SECONDS - 1);
  expect(rate.read()[0]).toBe(1);
  pass(1);
  rate.add(1);
  expect(rate.read().filter(Boolean)).toEqual([1]);
});

it("starts with a minute of zeros, and returns the same array until a count changes", () => {
  const { rate, pass } = setUp();
  const quiet = rate.read();
  expect(quiet).toEqual(Array.from({ length: 60 }, () => 0));
  pass(1);
  expect(rate.read()).toBe(quiet);
  rate.add(1);
  expect(rate.read()).not.toBe(quiet);
});
