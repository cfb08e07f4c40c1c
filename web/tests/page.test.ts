// @vitest-environment jsdom
import { expect, it, vi } from "vitest";

import { browserPage, type PageEvent } from "../src/client/page";

function watched() {
  const events: PageEvent[] = [];
  const stop = browserPage.watch((event) => events.push(event));
  return { events, stop };
}

const visibility = (hidden: boolean) => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
};

it.each([
  ["pagehide", "hide"],
  ["pageshow", "show"],
  ["online", "wake"],
  ["offline", "doubt"],
])("calls %s %s", (type, event) => {
  const { events, stop } = watched();
  window.dispatchEvent(new Event(type));
  expect(events).toEqual([event]);
  stop();
});

it("wakes when it is seen again, and only then", () => {
  const { events, stop } = watched();
  visibility(true);
  expect([events, browserPage.hidden]).toEqual([[], true]);
  visibility(false);
  expect([events, browserPage.hidden]).toEqual([["wake"], false]);
  stop();
});

it("is silent once nobody watches", () => {
  const { events, stop } = watched();
  stop();
  for (const type of ["pagehide", "pageshow", "online", "offline"]) window.dispatchEvent(new Event(type));
  visibility(false);
  expect(events).toEqual([]);
});
