import { describe, expect, it } from "vitest";

import { createPendingStorage } from "../src/client/pending-storage";
import { fakeStorage } from "./fake-page";

const OLD = "old-session-old-session";
const NEW = "new-session-new-session";
const CLICKS = [
  { id: `${OLD}:1`, createdAt: 1000 },
  { id: `${OLD}:2`, createdAt: 2000 },
];

function setUp() {
  const storage = fakeStorage();
  const open = (session: string) => createPendingStorage(session, () => storage);
  return { storage, open, keys: () => Array.from({ length: storage.length }, (_, index) => storage.key(index)) };
}

describe("the storage after a reload", () => {
  it("restores clicks in their order, with their times", () => {
    const { open } = setUp();
    open(OLD).save(CLICKS);
    expect(open(NEW).restore()).toEqual(CLICKS);
  });

  it("keeps restored clicks under the old key until the new page saves", () => {
    const { open, keys } = setUp();
    open(OLD).save(CLICKS);
    const page = open(NEW);
    page.restore();
    expect(keys()).toEqual([`counter.pending.${OLD}`]);
    page.save(CLICKS);
    expect(keys()).toEqual([`counter.pending.${NEW}`]);
    expect(page.restore()).toEqual([]);
  });

  it("leaves no key when no click is pending", () => {
    const { open, storage } = setUp();
    const page = open(OLD);
    page.save(CLICKS);
    page.save([]);
    expect(storage.length).toBe(0);
  });

  it("leaves keys of other code in place", () => {
    const { open, storage } = setUp();
    storage.setItem("token", "secret");
    const page = open(NEW);
    expect(page.restore()).toEqual([]);
    page.save([]);
    expect(storage.getItem("token")).toBe("secret");
  });
});

describe("two pages of one tab", () => {
  it("restores what another page of the tab saved meanwhile", () => {
    const { open } = setUp();
    const cached = open(OLD);
    cached.save(CLICKS.slice(0, 1));
    const fresh = open(NEW);
    fresh.save(fresh.restore());
    const made = [...CLICKS.slice(0, 1), { id: `${NEW}:1`, createdAt: 3000 }];
    fresh.save(made);
    expect(cached.restore()).toEqual(made);
  });
});

describe.each([
  ["no JSON", "{"],
  ["another JSON", '{"a":1}'],
  ["null", "null"],
  ["entries that are none", '[null,1,"a",[],{}]'],
  ["an id that is none", '[["x",1]]'],
  ["an id that is no text", "[[1,1]]"],
  ["a time that is none", `[["${OLD}:1","1"],["${OLD}:1",null]]`],
])("storage that holds %s", (_case, text) => {
  it("ignores a stored value that is not valid and removes it", () => {
    const { open, storage } = setUp();
    storage.setItem(`counter.pending.${OLD}`, text);
    const page = open(NEW);
    expect(page.restore()).toEqual([]);
    page.save([]);
    expect(storage.length).toBe(0);
  });
});

it("restores the valid entries among invalid ones", () => {
  const { open, storage } = setUp();
  storage.setItem(`counter.pending.${OLD}`, `[["x",1],["${OLD}:7",5]]`);
  expect(open(NEW).restore()).toEqual([{ id: `${OLD}:7`, createdAt: 5 }]);
});

it("restores nothing and does not throw where storage is blocked", () => {
  const page = createPendingStorage(NEW, () => {
    throw new DOMException("denied", "SecurityError");
  });
  page.save(CLICKS);
  expect(page.restore()).toEqual([]);
});

it("keeps the old page's clicks when the storage is full", () => {
  const { open, storage } = setUp();
  open(OLD).save(CLICKS);
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  const page = open(NEW);
  page.save(page.restore());
  expect(storage.getItem(`counter.pending.${OLD}`)).not.toBeNull();
});
