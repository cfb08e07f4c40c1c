// @vitest-environment jsdom
import { expect, it, vi } from "vitest";

import { browserPage, type PageEvent } from "../src/client/page";

function setUp() {
  const events: PageEvent[] = [];
  const unsubscribe = browserPage.subscribe((event) => events.push(event));
  return { events, unsubscribe };
}

const changeVisibility = (hidden: boolean) => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
};

it.each([
  ["pagehide", "pagehide"],
  ["pageshow", "pageshow"],
  ["online", "resumed"],
  ["offline", "offline"],
])("reports the browser's %s event as %s", (type, event) => {
  const { events, unsubscribe } = setUp();
  window.dispatchEvent(new Event(type));
  expect(events).toEqual([event]);
  unsubscribe();
});

it("reports resumed when the page becomes visible, and nothing when it becomes hidden", () => {
  const { events, unsubscribe } = setUp();
  changeVisibility(true);
  expect([events, browserPage.hidden]).toEqual([[], true]);
  changeVisibility(false);
  expect([events, browserPage.hidden]).toEqual([["resumed"], false]);
  unsubscribe();
});

it("reports no page event after unsubscribe", () => {
  const { events, unsubscribe } = setUp();
  unsubscribe();
  for (const type of ["pagehide", "pageshow", "online", "offline"]) window.dispatchEvent(new Event(type));
  changeVisibility(false);
  expect(events).toEqual([]);
});
