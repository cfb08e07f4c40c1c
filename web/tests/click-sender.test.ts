import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createClickQueue, QUEUE_LIMIT, MAX_CLICK_AGE_MS } from "../src/client/click-queue";
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

it("sends a click at once, with its id", () => {
  const { sender, connect, sent } = setUp();
  connect();
  sender.click();
  expect(sent).toEqual([`{"action":"increment","id":"${id(1)}"}`]);
});

it("keeps clicks made without a connection and sends them in order", () => {
  const { sender, connect, numbers } = setUp();
  for (let click = 1; click <= 3; click += 1) sender.click();
  expect(numbers()).toEqual([]);
  connect();
  expect(numbers()).toEqual([1, 2, 3]);
});

it("has a few on their way at once, and one more for each that is acknowledged", () => {
  const { sender, connect, numbers } = setUp();
  for (let click = 1; click <= 10; click += 1) sender.click();
  connect();
  expect(numbers()).toEqual([1, 2, 3, 4]);
  expect(MAX_IN_FLIGHT).toBe(4);
  sender.acknowledged(id(2));
  sender.acknowledged(id(1));
  expect(numbers()).toEqual([5, 6]);
});

it("sends all that is not acknowledged again on a new connection, and nothing else", () => {
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

it("sends again when one connection took over from another without a pause", () => {
  const { sender, connect, numbers } = setUp();
  connect();
  sender.click();
  numbers();
  connect();
  expect(numbers()).toEqual([1]);
});

it("says when there is no room", () => {
  const { sender } = setUp();
  const taken = Array.from({ length: QUEUE_LIMIT + 1 }, () => sender.click());
  expect([taken.at(-2), taken.at(-1)]).toEqual([true, false]);
});

it("takes no notice of an acknowledgement that comes twice", () => {
  const { sender, connect, queue, numbers } = setUp();
  connect();
  sender.click();
  sender.acknowledged(id(1));
  sender.acknowledged(id(1));
  sender.acknowledged("somebody-elses-session:1");
  sender.click();
  expect([queue.size, queue.inFlight, numbers()]).toEqual([1, 1, [1, 2]]);
});

describe("a click that the server postpones", () => {
  it("is sent again after a pause, under its id", () => {
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

  it("holds up those that come after it", () => {
    const { sender, connect, numbers } = setUp();
    connect();
    sender.click();
    sender.retryLater(id(1));
    sender.click();
    expect(numbers()).toEqual([1]);
    vi.advanceTimersByTime(500);
    expect(numbers()).toEqual([1]); // one at a time, until one comes through
    sender.acknowledged(id(1));
    expect(numbers()).toEqual([2]);
  });

  it("is tried ever more slowly", () => {
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

  it("is one trouble with all that were on their way", () => {
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

  it("stays postponed when an answer to something earlier arrives", () => {
    const { sender, connect, numbers } = setUp();
    connect();
    sender.click();
    sender.click();
    sender.retryLater(id(1));
    sender.acknowledged(id(2));
    expect([numbers(), sender.consecutiveFailures]).toEqual([[1, 2], 1]);
  });

  it("may be all that is on its way, when the answer does not say which", () => {
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

  it("leaves no timer behind when the connection goes", () => {
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

describe("a click that is given up", () => {
  it("was refused: it is not sent again, and that is said", () => {
    const { sender, connect, numbers, onDropped, queue } = setUp();
    connect();
    sender.click();
    sender.rejected(id(1));
    sender.rejected(id(1));
    expect([numbers(), queue.size]).toEqual([[1], 0]);
    expect(onDropped.mock.calls).toEqual([[1]]);
  });

  it("is found among several by sending one at a time", () => {
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

  it("was too old: it is not sent, and that is said", () => {
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
