/** Slow links and slow servers: the real store, socket and connection in simulated time. */

import { describe, expect, it, vi } from "vitest";

import { withFakeTimers } from "./fake-page";
import { setUpServed } from "./served-store";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const JITTERS = [0, 0.5, 0.999];

withFakeTimers();

function click({ store }: ReturnType<typeof setUpServed>, times: number) {
  for (let count = 1; count <= times; count += 1) store.increment();
}

/** Milliseconds until a page whose server has stopped responding replaces its connection. */
function msUntilReconnect(random: number) {
  const { slowDown, sockets } = setUpServed(undefined, { random });
  slowDown(MINUTE_MS);
  const start = performance.now();
  while (sockets.length === 1) vi.advanceTimersByTime(10);
  return performance.now() - start;
}

describe.each(JITTERS)("a link with a round trip of 12 s, with the random number %d", (random) => {
  // A handshake is two round trips over TCP, four over TLS; a proxy may complete it at once.
  it.each([50, 12_000, 24_000])("shows the value and counts 5 clicks once on 1 connection, after a handshake of %d ms", (handshakeMs) => {
    const parts = setUpServed(undefined, { random, handshakeMs, responseMs: 12_000 });
    const { shown, sockets, counted, requests } = parts;
    expect(shown().value).toBe(0);
    click(parts, 5);
    vi.advanceTimersByTime(24_000);
    expect(shown()).toMatchObject({ connection: "open", value: 5, pending: 0 });
    vi.advanceTimersByTime(10 * MINUTE_MS);
    expect([sockets.length, counted.size, parts.states.has("waiting")]).toEqual([1, 5, false]);
    expect(requests().filter((request) => JSON.stringify(request).includes("increment"))).toHaveLength(5);
  });

  it("keeps the connection of a slow link that was fast at first", () => {
    const parts = setUpServed(undefined, { random });
    parts.slowDown(12_000);
    for (let minute = 1; minute <= 10; minute += 1) {
      click(parts, 5);
      vi.advanceTimersByTime(MINUTE_MS);
    }
    expect(parts.sockets.length).toBeLessThanOrEqual(3);
    const before = parts.sockets.length;
    for (let minute = 1; minute <= 10; minute += 1) {
      click(parts, 5);
      vi.advanceTimersByTime(MINUTE_MS);
    }
    expect([parts.sockets.length, parts.counted.size, parts.shown().pending]).toEqual([before, 100, 0]);
  });

  it("keeps the connection of a slow link while broadcasts of other clicks arrive", () => {
    const parts = setUpServed(undefined, { random, handshakeMs: 12_000, responseMs: 12_000 });
    for (let second = 1; second <= 600; second += 1) {
      if (second % 100 === 0) click(parts, 1);
      vi.advanceTimersByTime(SECOND_MS);
      parts.sockets[0]?.receiveValue(parts.counted.size);
    }
    vi.advanceTimersByTime(12_000);
    expect([parts.sockets.length, parts.shown().pending, parts.counted.size]).toEqual([1, 0, 6]);
  });
});

describe.each(JITTERS)("a server that responds after 8 s, with the random number %d", (random) => {
  it.each([
    ["from the start", 8000],
    ["after a fast start", 50],
  ])("causes at most 2 handshakes in five minutes, %s", (_case, firstMs) => {
    const parts = setUpServed(undefined, { random, responseMs: firstMs });
    parts.slowDown(8000);
    for (let second = 0; second < 300; second += 10) {
      click(parts, 1);
      vi.advanceTimersByTime(10 * SECOND_MS);
    }
    vi.advanceTimersByTime(20 * SECOND_MS);
    expect(parts.sockets.length).toBeLessThanOrEqual(2);
    expect([parts.shown().pending, parts.shown().value]).toEqual([0, 30]);
  });

  it("causes at most 2 handshakes of a page that only watches", () => {
    const { slowDown, sockets, shown } = setUpServed(undefined, { random });
    slowDown(8000);
    vi.advanceTimersByTime(5 * MINUTE_MS);
    expect(sockets.length).toBeLessThanOrEqual(2);
    expect(shown().connection).toBe("open");
  });
});

it("spreads the reconnects of pages whose heartbeats had no response, over at least 2 s", () => {
  expect(msUntilReconnect(0.999) - msUntilReconnect(0)).toBeGreaterThan(2000);
});

it("finds a dead connection within 8 s again, 20 minutes after a slow spell", () => {
  const parts = setUpServed();
  const { store, slowDown, sockets } = parts;
  slowDown(12_000);
  for (let count = 1; count <= 4; count += 1) {
    store.increment();
    vi.advanceTimersByTime(MINUTE_MS);
  }
  const before = sockets.length;
  slowDown(50);
  vi.advanceTimersByTime(20 * MINUTE_MS);
  expect(sockets).toHaveLength(before);
  slowDown(10 * MINUTE_MS);
  store.increment();
  vi.advanceTimersByTime(8000);
  expect(sockets).toHaveLength(before + 1);
});

it("backs off from a server that completes handshakes and never responds", () => {
  const { sockets, slowDown } = setUpServed();
  slowDown(100 * MINUTE_MS);
  vi.advanceTimersByTime(60 * MINUTE_MS);
  expect(sockets.length).toBeLessThanOrEqual(45);
});
