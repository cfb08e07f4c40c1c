import { expect, it } from "vitest";

import { routeOf } from "../src/routes";

it.each([
  ["/", "home"],
  ["/realtime-counter", "counter"],
  ["/realtime-counter/", "counter"],
  ["/realtime-counter/more", "not-found"],
  ["/realtime-counters", "not-found"],
  ["/Realtime-Counter", "not-found"],
  ["//", "not-found"],
  ["/elsewhere", "not-found"],
])("finds the route of a path: %s is %s", (pathname, route) => {
  expect(routeOf(pathname)).toBe(route);
});
