// @vitest-environment jsdom
import { beforeEach, expect, it, vi } from "vitest";

import { DEFAULT_TIMES } from "../src/client/times";
import { type Browser, takeToken, withToken } from "../src/client/token";

const TOKEN = "eyJh.eyJp.c2ln-_";

function open(path: string) {
  window.history.replaceState(null, "", path);
  return takeToken(window);
}

const address = () => location.pathname + location.search + location.hash;

const blocked: Browser = {
  location: window.location,
  history: window.history,
  get sessionStorage(): Storage {
    throw new DOMException("denied", "SecurityError");
  },
};

beforeEach(() => {
  sessionStorage.clear();
});

it.each([
  [`/realtime-counter#token=${TOKEN}`, "/realtime-counter"],
  [`/realtime-counter?a=1#token=${TOKEN}`, "/realtime-counter?a=1"],
  [`/realtime-counter#top=1&token=${TOKEN}`, "/realtime-counter#top=1"],
])("removes the token from the address without a new entry in the history: %s", (path, rest) => {
  const entries = history.length;
  expect(open(path)).toBe(TOKEN);
  expect([address(), history.length]).toEqual([rest, entries]);
});

it("returns the stored token after a reload, and prefers a new one", () => {
  open("/realtime-counter#token=old");
  expect(open("/realtime-counter")).toBe("old");
  expect(open(`/realtime-counter#token=${TOKEN}`)).toBe(TOKEN);
  expect(open("/realtime-counter")).toBe(TOKEN);
});

it("deletes the stored token when an empty one is given", () => {
  open(`/realtime-counter#token=${TOKEN}`);
  expect(open("/realtime-counter#token=")).toBeUndefined();
  expect(open("/realtime-counter")).toBeUndefined();
  expect(address()).toBe("/realtime-counter");
});

it("returns no token for an address without one, and leaves the address as it is", () => {
  const replace = vi.spyOn(history, "replaceState");
  window.location.hash = "#a%20b";
  replace.mockClear();
  expect(takeToken(window)).toBeUndefined();
  expect(replace).not.toHaveBeenCalled();
  expect(location.hash).toBe("#a%20b");
});

it("returns a token for one visit where storage is blocked", () => {
  window.history.replaceState(null, "", `/realtime-counter#token=${TOKEN}`);
  expect(takeToken(blocked)).toBe(TOKEN);
  expect(address()).toBe("/realtime-counter");
  expect(takeToken(blocked)).toBeUndefined();
});

const CONFIG = { webSocketUrl: "wss://a.test/prod?x=1", times: DEFAULT_TIMES };

it("offers a token of any length as a subprotocol, and leaves the address as it is", () => {
  for (const token of [TOKEN, "a".repeat(8000)]) {
    expect(withToken(CONFIG, token)).toEqual({ ...CONFIG, protocols: ["counter", `bearer.${token}`] });
  }
});

it("changes nothing without a token", () => {
  expect(withToken(CONFIG, undefined)).toEqual(CONFIG);
});

it.each([
  ["a blank", "a b"],
  ["a comma, which separates subprotocols", "a,b"],
  ["a line break", "a\n"],
  ["a letter outside ASCII", "é"],
  ["a character of base64", "a+b/c="],
])("reports a token with %s, which the WebSocket constructor or the server would reject", (_case, token) => {
  const problem = "The token of this page has characters that no token may have. Sign in again to get a new one.";
  expect(withToken(CONFIG, token)).toEqual({ problem });
});

it("leaves a configuration with a problem as it is", () => {
  expect(withToken({ problem: "The file is missing." }, TOKEN)).toEqual({ problem: "The file is missing." });
});
