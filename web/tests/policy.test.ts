import { expect, it, vi } from "vitest";

import { RELOAD_AFTER_MAX_MS, RELOAD_AFTER_MIN_MS, reloadWhenBlocked } from "../src/client/policy";
import { testClock, withFakeTimers } from "./fake-page";

const URL_OF_SERVER = "wss://New.example.test/prod?x=1";

withFakeTimers();

function setUp(random = 0.5) {
  const document = new EventTarget();
  const reload = vi.fn<() => void>();
  reloadWhenBlocked({ url: URL_OF_SERVER, reload, document, clock: { ...testClock().clock, random: () => random } });
  /** Fires the event of a blocked WebSocket, with these fields in place of its own. */
  const block = (fields: Partial<SecurityPolicyViolationEvent> = {}) =>
    document.dispatchEvent(
      Object.assign(new Event("securitypolicyviolation"), {
        blockedURI: "wss://new.example.test/prod?x=1",
        disposition: "enforce",
        effectiveDirective: "connect-src",
        ...fields,
      }),
    );
  return { reload, block };
}

it.each([
  [0, RELOAD_AFTER_MIN_MS],
  [0.5, 75_000],
  [1, RELOAD_AFTER_MAX_MS],
])("reloads after a minute or more, with the random number %d", (random, delayMs) => {
  const { reload, block } = setUp(random);
  block();
  vi.advanceTimersByTime(delayMs - 1);
  expect(reload).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(reload).toHaveBeenCalledTimes(1);
});

it("reloads at most once a minute, however often the address is blocked", () => {
  const { reload, block } = setUp(0);
  for (let second = 0; second < 600; second += 1) {
    block();
    vi.advanceTimersByTime(1000);
  }
  expect(reload).toHaveBeenCalledTimes(10);
});

it("reloads once after one violation", () => {
  const { reload, block } = setUp();
  block();
  vi.advanceTimersByTime(10 * RELOAD_AFTER_MAX_MS);
  expect(reload).toHaveBeenCalledTimes(1);
});

it.each(["wss://new.example.test/prod?x=1", "wss://new.example.test", "wss"])(
  "recognises its address when the browser reports %s",
  (blockedURI) => {
    const { reload, block } = setUp();
    block({ blockedURI });
    vi.advanceTimersByTime(RELOAD_AFTER_MAX_MS);
    expect(reload).toHaveBeenCalledTimes(1);
  },
);

it.each<[string, Partial<SecurityPolicyViolationEvent>]>([
  ["another address", { blockedURI: "wss://other.example.test/prod" }],
  ["an address that the browser does not report", { blockedURI: "" }],
  ["another directive", { effectiveDirective: "img-src" }],
  ["a policy that is only reported", { disposition: "report" }],
])("ignores a violation of %s", (_case, fields) => {
  const { reload, block } = setUp();
  block(fields);
  vi.advanceTimersByTime(RELOAD_AFTER_MAX_MS);
  expect(reload).not.toHaveBeenCalled();
});
