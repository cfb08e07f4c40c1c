import { describe, expect, it } from "vitest";

import { createClickQueue, MAX_CLICK_AGE_MS, QUEUE_LIMIT } from "../src/client/click-queue";
import { createPendingStorage } from "../src/client/pending-storage";
import { fakeStorage } from "./fake-page";

const SESSION = "session-of-the-test";
const HOUR = 60 * 60_000;

function setUp() {
  const storage = fakeStorage();
  const time = { now: 1_000_000_000_000 };
  const open = (session = SESSION) =>
    createClickQueue({
      session,
      date: () => time.now,
      storage: createPendingStorage(session, () => storage),
    });
  return { open, time, storage, queue: open() };
}

const taken = (queue: ReturnType<typeof createClickQueue>) => {
  const ids: string[] = [];
  for (let id = queue.take(); id !== undefined; id = queue.take()) ids.push(id);
  return ids;
};

it("numbers the clicks of its session from 1", () => {
  const { queue } = setUp();
  queue.add();
  queue.add();
  expect(taken(queue)).toEqual([`${SESSION}:1`, `${SESSION}:2`]);
});

it("hands out each click once until it is released", () => {
  const { queue } = setUp();
  queue.add();
  queue.add();
  expect(queue.take()).toBe(`${SESSION}:1`);
  expect(queue.take()).toBe(`${SESSION}:2`);
  expect([queue.take(), queue.inFlight]).toEqual([undefined, 2]);
  queue.release(`${SESSION}:2`);
  expect([queue.take(), queue.inFlight]).toEqual([`${SESSION}:2`, 2]);
  queue.release();
  expect([queue.inFlight, ...taken(queue)]).toEqual([0, `${SESSION}:1`, `${SESSION}:2`]);
});

it("removes a click once", () => {
  const { queue } = setUp();
  queue.add();
  const id = queue.take() ?? "";
  expect([queue.size, queue.remove(id), queue.remove(id), queue.size, queue.inFlight]).toEqual([1, true, false, 0, 0]);
});

it("never gives a number twice, even after a click was removed", () => {
  const { queue } = setUp();
  queue.add();
  queue.remove(queue.take() ?? "");
  queue.add();
  expect(queue.take()).toBe(`${SESSION}:2`);
});

it("accepts no click beyond the limit until one is removed", () => {
  const { queue } = setUp();
  const added = Array.from({ length: QUEUE_LIMIT + 1 }, () => queue.add());
  expect([added.filter(Boolean).length, added.at(-1), queue.full]).toEqual([QUEUE_LIMIT, false, true]);
  queue.remove(queue.take() ?? "");
  expect([queue.full, queue.add()]).toEqual([false, true]);
});

describe("the queue after a reload", () => {
  it("restores old clicks first, under their old op ids", () => {
    const { queue, open } = setUp();
    queue.add();
    queue.add();
    const again = open("another-session-after");
    again.restore();
    again.add();
    expect(taken(again)).toEqual([`${SESSION}:1`, `${SESSION}:2`, "another-session-after:1"]);
  });

  it("restores only clicks that were not removed before the reload", () => {
    const { queue, open } = setUp();
    queue.add();
    queue.add();
    queue.remove(queue.take() ?? "");
    const again = open("another-session-after");
    again.restore();
    expect(taken(again)).toEqual([`${SESSION}:2`]);
  });

  it("restores clicks again after a second reload", () => {
    const { queue, open } = setUp();
    queue.add();
    open("the-second-session-x").restore();
    const third = open("the-third-session-xy");
    third.restore();
    expect(taken(third)).toEqual([`${SESSION}:1`]);
  });
});

describe("a click's age", () => {
  it.each([
    ["young enough", MAX_CLICK_AGE_MS, 0],
    ["too old", MAX_CLICK_AGE_MS + 1, 1],
    ["of a clock a little ahead", -HOUR, 0],
    ["of another time altogether", -HOUR - 1, 1],
  ])("decides whether to drop a click that is %s", (_case, age, expired) => {
    const { queue, time } = setUp();
    queue.add();
    time.now += age;
    expect([queue.expire(), queue.size]).toEqual([expired, 1 - expired]);
  });

  it("takes the age of a click from its creation, not from the reload", () => {
    const { queue, open, time, storage } = setUp();
    queue.add();
    time.now += MAX_CLICK_AGE_MS / 2;
    const again = open("another-session-after");
    again.restore();
    again.add();
    time.now += MAX_CLICK_AGE_MS / 2 + 1;
    expect([again.expire(), ...taken(again)]).toEqual([1, "another-session-after:1"]);
    expect(storage.length).toBe(1);
  });

  it("leaves an hour before the 24 hours for which the server remembers an op id", () => {
    expect(MAX_CLICK_AGE_MS).toBe(23 * HOUR);
  });
});
