import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createClickQueue, MAX_CLICK_AGE_MS, QUEUE_LIMIT } from "../src/client/click-queue";
import { createClickSender, MAX_IN_FLIGHT } from "../src/client/click-sender";
import { testClock } from "./fake-page";

const SESSION = "session-of-the-test";

function setUp() {
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

const id = (number: number) => `${SESSION}:${number}`;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("sends a click at once, with its op id", () => {
  const { sender, connect, sent } = setUp();
  connect();
  sender.click();
  expect(sent).toEqual([`{"action":"increment","id":"${id(1)}"}`]);
});

it("sends clicks made while disconnected in their order", () => {
  const { sender, connect, numbers } = setUp();
  for (let click = 1; click <= 3; click += 1) sender.click();
  expect(numbers()).toEqual([]);
  connect();
  expect(numbers()).toEqual([1, 2, 3]);
});

it("keeps four clicks in flight, and sends one more for each acknowledgement", () => {
  const { sender, connect, numbers } = setUp();
  for (let click = 1; click <= 10; click += 1) sender.click();
  connect();
  expect(numbers()).toEqual([1, 2, 3, 4]);
  expect(MAX_IN_FLIGHT).toBe(4);
  sender.acknowledged(id(2));
  sender.acknowledged(id(1));
  expect(numbers()).toEqual([5, 6]);
});

it("sends exactly the unacknowledged clicks again on a new connection", () => {
  const { sender, connect, disconnect, numbers } = setUp();
  connect();
  for (let click = 1; click <= 3; click += 1) sender.click();
  sender.acknowledged(id(2));
  numbers();
  disconnect();
  sender.click();
  connect();
  expect(numbers()).toEqual([1, 3, 4]);
});

it("sends again when a replacement connection takes over", () => {
  const { sender, connect, numbers } = setUp();
  connect();
  sender.click();
  numbers();
  connect();
  expect(numbers()).toEqual([1]);
});

it("returns false for a click when the queue is full", () => {
  const { sender } = setUp();
  const taken = Array.from({ length: QUEUE_LIMIT + 1 }, () => sender.click());
  expect([taken.at(-2), taken.at(-1)]).toEqual([true, false]);
});

it("ignores an acknowledgement that comes twice or is for another session", () => {
  const { sender, connect, queue, numbers } = setUp();
  connect();
  sender.click();
  sender.acknowledged(id(1));
  sender.acknowledged(id(1));
  sender.acknowledged("another-session-of-it:1");
  sender.click();
  expect([queue.size, queue.inFlight, numbers()]).toEqual([1, 1, [1, 2]]);
});

describe("a click to retry later", () => {
  it("sends a click again after a delay, under the same op id", () => {
    const { sender, connect, numbers } = setUp();
    connect();
    sender.click();
    sender.retryLater(id(1));
    expect(numbers()).toEqual([1]);
    vi.advanceTimersByTime(499);
    expect(numbers()).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(numbers()).toEqual([1]);
  });

  it("sends no other click until a retried one is acknowledged", () => {
    const { sender, connect, numbers } = setUp();
    connect();
    sender.click();
    sender.retryLater(id(1));
    sender.click();
    expect(numbers()).toEqual([1]);
    vi.advanceTimersByTime(500);
    expect(numbers()).toEqual([1]); // one at a time, until one is acknowledged
    sender.acknowledged(id(1));
    expect(numbers()).toEqual([2]);
  });

  it("doubles the delay between retries up to the maximum", () => {
    const { sender, connect, numbers } = setUp();
    connect();
    sender.click();
    numbers();
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
    const { sender, connect, numbers } = setUp();
    connect();
    for (let click = 1; click <= 4; click += 1) sender.click();
    numbers();
    sender.acknowledged(id(1));
    for (const number of [2, 3, 4]) sender.retryLater(id(number));
    expect(sender.consecutiveFailures).toBe(1);
    vi.advanceTimersByTime(500);
    expect(numbers()).toEqual([2]);
    sender.acknowledged(id(2));
    expect(numbers()).toEqual([3, 4]);
  });

  it("keeps the delay when a click from before the failure is acknowledged", () => {
    const { sender, connect, numbers } = setUp();
    connect();
    sender.click();
    sender.click();
    sender.retryLater(id(1));
    sender.acknowledged(id(2));
    expect([numbers(), sender.consecutiveFailures]).toEqual([[1, 2], 1]);
  });

  it("retries every click in flight when the response names none", () => {
    const { sender, connect, numbers } = setUp();
    connect();
    sender.click();
    sender.click();
    sender.retryLater();
    expect(numbers()).toEqual([1, 2]);
    vi.advanceTimersByTime(500);
    sender.acknowledged(id(1));
    expect(numbers()).toEqual([1, 2]);
  });

  it("cancels the retry when the connection ends", () => {
    const { sender, connect, disconnect, numbers } = setUp();
    connect();
    sender.click();
    sender.retryLater(id(1));
    disconnect();
    expect(vi.getTimerCount()).toBe(0);
    numbers();
    connect();
    expect(numbers()).toEqual([1]);
  });
});

describe("a dropped click", () => {
  it("drops a rejected click and reports it once", () => {
    const { sender, connect, numbers, onDropped, queue } = setUp();
    connect();
    sender.click();
    sender.rejected(id(1));
    sender.rejected(id(1));
    expect([numbers(), queue.size]).toEqual([[1], 0]);
    expect(onDropped.mock.calls).toEqual([[1]]);
  });

  it("finds the rejected click among several by sending one at a time", () => {
    const { sender, connect, numbers, onDropped, queue } = setUp();
    connect();
    sender.click();
    sender.click();
    numbers();
    sender.rejected();
    expect([queue.size, onDropped.mock.calls]).toEqual([2, []]);
    vi.advanceTimersByTime(500);
    expect(numbers()).toEqual([1]);
    sender.rejected();
    expect([queue.size, onDropped.mock.calls, numbers()]).toEqual([1, [[1]], [2]]);
  });

  it("drops clicks that are too old and reports how many", () => {
    const { sender, connect, numbers, onDropped } = setUp();
    sender.click();
    sender.click();
    vi.advanceTimersByTime(MAX_CLICK_AGE_MS + 1);
    sender.click();
    connect();
    expect(numbers()).toEqual([3]);
    expect(onDropped.mock.calls).toEqual([[2]]);
  });
});
