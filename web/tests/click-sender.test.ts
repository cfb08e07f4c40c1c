import { expect, it, vi } from "vitest";

import { createClickQueue, MAX_CLICK_AGE_MS } from "../src/client/click-queue";
import { createClickSender, MAX_IN_FLIGHT } from "../src/client/click-sender";
import { testClock, withFakeTimers } from "./fake-page";

const SESSION = "session-of-the-test";
const id = (number: number) => `${SESSION}:${number}`;

withFakeTimers();

/** A disconnected sender with that many clicks. */
function setUp(clicks: number) {
  const sent: string[] = [];
  const wire = { open: false };
  const queue = createClickQueue({ session: SESSION, storage: { restore: () => [], save: () => {} } });
  const onDropped = vi.fn<(clicks: number) => void>();
  const sender = createClickSender({
    queue,
    clock: testClock().clock,
    onDropped,
    send(message) {
      if (wire.open) sent.push(JSON.stringify(message));
      return wire.open;
    },
  });
  for (let click = 1; click <= clicks; click += 1) sender.click();
  return {
    queue,
    sender,
    sent,
    onDropped,
    connect() {
      wire.open = true;
      sender.connected();
    },
    disconnect() {
      wire.open = false;
      sender.disconnected();
    },
    /** Numbers of the clicks sent since the last call. */
    numbers: () => sent.splice(0).map((text) => Number(/:(\d+)"/u.exec(text)?.[1])),
  };
}

/** A connected sender with that many clicks in flight. */
function setUpConnected(clicks: number) {
  const parts = setUp(clicks);
  parts.connect();
  parts.sent.splice(0);
  return parts;
}

it("sends a click at once, with its op id", () => {
  const { sender, sent } = setUpConnected(0);
  sender.click();
  expect(sent).toEqual([`{"action":"increment","id":"${id(1)}"}`]);
});

it("keeps four clicks in flight, and sends one more for each acknowledgement", () => {
  const { sender, connect, numbers } = setUp(10);
  expect(numbers()).toEqual([]);
  connect();
  expect([numbers(), MAX_IN_FLIGHT]).toEqual([[1, 2, 3, 4], 4]);
  sender.acknowledged(id(2));
  sender.acknowledged(id(1));
  expect(numbers()).toEqual([5, 6]);
});

it("sends exactly the unacknowledged clicks again on a new connection, also without a disconnect", () => {
  const { sender, connect, disconnect, numbers } = setUpConnected(3);
  sender.acknowledged(id(2));
  connect();
  expect(numbers()).toEqual([1, 3]);
  disconnect();
  sender.click();
  connect();
  expect(numbers()).toEqual([1, 3, 4]);
});

it("ignores an acknowledgement that comes twice or is for another session", () => {
  const { sender, queue, numbers } = setUpConnected(1);
  sender.acknowledged(id(1));
  sender.acknowledged(id(1));
  sender.acknowledged("another-session-of-it:1");
  sender.click();
  expect([queue.size, queue.inFlight, numbers()]).toEqual([1, 1, [2]]);
});

it("sends a click again after a delay, under the same op id", () => {
  const { sender, numbers } = setUpConnected(1);
  sender.retryLater(id(1));
  vi.advanceTimersByTime(499);
  expect(numbers()).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(numbers()).toEqual([1]);
});

it("sends no other click until a retried one is acknowledged", () => {
  const { sender, numbers } = setUpConnected(1);
  sender.retryLater(id(1));
  sender.click();
  expect(numbers()).toEqual([]);
  vi.advanceTimersByTime(500);
  expect(numbers()).toEqual([1]); // one at a time, until one is acknowledged
  sender.acknowledged(id(1));
  expect(numbers()).toEqual([2]);
});

it("doubles the delay between retries up to the maximum", () => {
  const { sender, numbers } = setUpConnected(1);
  const pauses = [500, 1000, 2000, 4000, 8000, 10_000, 10_000].map((pause) => {
    sender.retryLater(id(1));
    vi.advanceTimersByTime(pause - 1);
    expect(numbers()).toEqual([]);
    vi.advanceTimersByTime(1);
    return numbers();
  });
  expect(pauses).toEqual(pauses.map(() => [1]));
  expect(sender.consecutiveFailures).toBe(7);
  sender.acknowledged(id(1));
  expect(sender.consecutiveFailures).toBe(0);
});

it("counts the failures of all clicks in flight as one", () => {
  const { sender, numbers } = setUpConnected(4);
  sender.acknowledged(id(1));
  for (const number of [2, 3, 4]) sender.retryLater(id(number));
  expect(sender.consecutiveFailures).toBe(1);
  vi.advanceTimersByTime(500);
  expect(numbers()).toEqual([2]);
  sender.acknowledged(id(2));
  expect(numbers()).toEqual([3, 4]);
});

it("keeps the delay when a click from before the failure is acknowledged", () => {
  const { sender, numbers } = setUpConnected(2);
  sender.retryLater(id(1));
  sender.acknowledged(id(2));
  expect([numbers(), sender.consecutiveFailures]).toEqual([[], 1]);
});

it("cancels the retry when the connection ends", () => {
  const { sender, connect, disconnect, numbers } = setUpConnected(1);
  sender.retryLater(id(1));
  disconnect();
  expect(vi.getTimerCount()).toBe(0);
  connect();
  expect(numbers()).toEqual([1]);
});

it("drops a rejected click and reports it once", () => {
  const { sender, numbers, onDropped, queue } = setUpConnected(1);
  sender.rejected(id(1));
  sender.rejected(id(1));
  expect([numbers(), queue.size, onDropped.mock.calls]).toEqual([[], 0, [[1]]]);
});

it("finds the rejected click among several by sending one at a time", () => {
  const { sender, numbers, onDropped, queue } = setUpConnected(2);
  sender.rejected();
  expect([queue.size, onDropped.mock.calls]).toEqual([2, []]);
  vi.advanceTimersByTime(500);
  expect(numbers()).toEqual([1]);
  sender.rejected();
  expect([queue.size, onDropped.mock.calls, numbers()]).toEqual([1, [[1]], [2]]);
});

it("drops clicks that are too old and reports how many", () => {
  const { sender, connect, numbers, onDropped } = setUp(2);
  vi.advanceTimersByTime(MAX_CLICK_AGE_MS + 1);
  sender.click();
  connect();
  expect([numbers(), onDropped.mock.calls]).toEqual([[3], [[2]]]);
});
