import { expect, it } from "vitest";

import { createPendingStorage } from "../src/client/pending-storage";
import { fakeStorage } from "./fake-page";

const OLD = "old-session-old-session";
const NEW = "new-session-new-session";
const OLD_KEY = `counter.pending.${OLD}`;
const NEW_KEY = `counter.pending.${NEW}`;
const CLICKS = [
  { id: `${OLD}:1`, createdAt: 1000 },
  { id: `${OLD}:2`, createdAt: 2000 },
];

/** The storage of a new page after an old page has saved two clicks. */
function setUp() {
  const storage = fakeStorage();
  const old = createPendingStorage(OLD, () => storage);
  old.save(CLICKS);
  const keys = () => Array.from({ length: storage.length }, (_, index) => storage.key(index));
  return { storage, old, page: createPendingStorage(NEW, () => storage), keys };
}

it("restores clicks in order and keeps them under the old key until the new page saves", () => {
  const { page, keys } = setUp();
  expect([page.restore(), keys()]).toEqual([CLICKS, [OLD_KEY]]);
  page.save(CLICKS);
  expect([page.restore(), keys()]).toEqual([[], [NEW_KEY]]);
});

it("restores what another page of the tab saved meanwhile, and removes no key that it has not restored", () => {
  const { old, page, keys } = setUp();
  const clicks = [...page.restore(), { id: `${NEW}:1`, createdAt: 3000 }];
  page.save(clicks);
  expect(old.restore()).toEqual(clicks);
  old.save(clicks);
  page.save(clicks);
  expect(keys()).toEqual([OLD_KEY, NEW_KEY]);
});

it("removes only the keys of pending clicks when none is left", () => {
  const { storage, old, page, keys } = setUp();
  storage.setItem("token", "secret");
  old.save([]);
  expect(page.restore()).toEqual([]);
  page.save([]);
  expect([keys(), storage.getItem("token")]).toEqual([["token"], "secret"]);
});

it.each([
  ["no JSON", "{"],
  ["another JSON", '{"a":1}'],
  ["null", "null"],
  ["entries that are not clicks", '[null,1,"a",[],{}]'],
  ["an id that is not an op id", '[["x",1]]'],
  ["an id that is not text", "[[1,1]]"],
  ["a time that is not a number", `[["${OLD}:1","1"],["${OLD}:1",null]]`],
])("ignores and removes a stored value with %s", (_case, text) => {
  const { storage, page } = setUp();
  storage.setItem(OLD_KEY, text);
  expect(page.restore()).toEqual([]);
  page.save([]);
  expect(storage.length).toBe(0);
});

it("restores the valid entries among invalid ones", () => {
  const { storage, page } = setUp();
  storage.setItem(OLD_KEY, `[null,["x",1],["${OLD}:7",5]]`);
  expect(page.restore()).toEqual([{ id: `${OLD}:7`, createdAt: 5 }]);
});

it("restores nothing and does not throw where storage is blocked", () => {
  const page = createPendingStorage(NEW, () => {
    throw new DOMException("denied", "SecurityError");
  });
  page.save(CLICKS);
  expect(page.restore()).toEqual([]);
});

it("keeps the old page's clicks when the storage is full", () => {
  const { storage, page, keys } = setUp();
  storage.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  page.save(page.restore());
  expect(keys()).toEqual([OLD_KEY]);
});
