import { expect, it } from "vitest";

import { type ClickQueue, createClickQueue, QUEUE_LIMIT } from "../src/client/click-queue";
import { createPendingStorage } from "../src/client/pending-storage";
import { fakeStorage } from "./fake-page";

const SESSION = "session-of-the-test";
const HOUR = 60 * 60_000;

/** A queue with that many clicks. `reload` creates the queue of the next page in the same tab, and restores it. */
function setUp(clicks: number) {
  const storage = fakeStorage();
  const time = { now: 1_000_000_000_000 };
  const open = (session: string) =>
    createClickQueue({
      session,
      date: () => time.now,
      storage: createPendingStorage(session, () => storage),
    });
  const queue = open(SESSION);
  for (let click = 1; click <= clicks; click += 1) queue.add();
  const reload = (session = "another-session-after") => {
    const next = open(session);
    next.restore();
    return next;
  };
  return { reload, time, storage, queue };
}

const id = (sequence: number, session = SESSION) => `${session}:${sequence}`;

function takeAll(queue: ClickQueue) {
  const ids: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) ids.push(next);
  return ids;
}

it("takes each click once until it is released, the oldest first", () => {
  const { queue } = setUp(2);
  expect([...takeAll(queue), queue.inFlight]).toEqual([id(1), id(2), 2]);
  queue.release(id(2));
  expect([...takeAll(queue), queue.inFlight]).toEqual([id(2), 2]);
  queue.release();
  expect([queue.inFlight, ...takeAll(queue)]).toEqual([0, id(1), id(2)]);
});

it("removes a click once and never gives its number to another", () => {
  const { queue } = setUp(1);
  queue.take();
  expect([queue.size, queue.remove(id(1)), queue.remove(id(1)), queue.size, queue.inFlight]).toEqual([1, true, false, 0, 0]);
  queue.add();
  expect(queue.take()).toBe(id(2));
});

it("accepts no click beyond the limit until one is removed", () => {
  const { queue } = setUp(QUEUE_LIMIT - 1);
  expect([queue.full, queue.add(), queue.full, queue.add(), queue.size]).toEqual([false, true, true, false, QUEUE_LIMIT]);
  queue.remove(id(1));
  expect([queue.full, queue.add()]).toEqual([false, true]);
});

it("restores the clicks that were not removed, first and under their op ids, also after a second reload", () => {
  const { queue, reload } = setUp(3);
  queue.remove(id(1));
  reload("the-second-session-x");
  const next = reload();
  next.add();
  expect(takeAll(next)).toEqual([id(2), id(3), id(1, "another-session-after")]);
});

it.each([
  ["keeps a click of 23 hours, because the server stores an op id for 24", 23 * HOUR, 0],
  ["drops a click of more than 23 hours", 23 * HOUR + 1, 1],
  ["keeps a click from a clock that was an hour ahead", -HOUR, 0],
  ["drops a click from a clock that was more than an hour ahead", -HOUR - 1, 1],
])("%s", (_title, age, expired) => {
  const { queue, time } = setUp(1);
  time.now += age;
  expect([queue.expire(), queue.size]).toEqual([expired, 1 - expired]);
});

it("takes the age of a click from its creation, not from the reload", () => {
  const { reload, time, storage } = setUp(1);
  time.now += 12 * HOUR;
  const next = reload();
  next.add();
  time.now += 12 * HOUR;
  expect([next.expire(), ...takeAll(next)]).toEqual([1, id(1, "another-session-after")]);
  expect(storage.length).toBe(1);
});
