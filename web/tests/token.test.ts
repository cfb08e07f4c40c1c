// @vitest-environment jsdom
import { beforeEach, describe, expect, it, vi } from "vitest";

import { DEFAULT_TIMES } from "../src/client/times";
import { type Browser, takeToken, withToken } from "../src/client/token";

const TOKEN = "eyJh.eyJp.c2ln-_";

function open(path: string) {
  window.history.replaceState(null, "", path);
  return takeToken(window);
}

const address = () => location.pathname + location.search + location.hash;

const blocked: Browser = {
  get location() {
    return window.location;
  },
  get history() {
    return window.history;
  },
  get sessionStorage(): Storage {
    throw new DOMException("denied", "SecurityError");
  },
};

beforeEach(() => {
  sessionStorage.clear();
});

describe("takeToken", () => {
  it("returns no token when the address has none", () => {
    expect(open("/realtime-counter")).toBeUndefined();
    expect(address()).toBe("/realtime-counter");
  });

  it.each([
    [`/realtime-counter#token=${TOKEN}`, "/realtime-counter"],
    [`/realtime-counter?a=1#token=${TOKEN}`, "/realtime-counter?a=1"],
    [`/realtime-counter#top=1&token=${TOKEN}`, "/realtime-counter#top=1"],
  ])("removes the token from the address %s", (path, rest) => {
    expect(open(path)).toBe(TOKEN);
    expect(address()).toBe(rest);
  });

  it("adds no entry to the history when it takes a token", () => {
    const before = history.length;
    open(`/realtime-counter#token=${TOKEN}`);
    expect(history.length).toBe(before);
  });

  it("returns the stored token after a reload", () => {
    open(`/realtime-counter#token=${TOKEN}`);
    expect(open("/realtime-counter")).toBe(TOKEN);
  });

  it("prefers a new token to the stored one", () => {
    open("/realtime-counter#token=old");
    expect(open(`/realtime-counter#token=${TOKEN}`)).toBe(TOKEN);
    expect(open("/realtime-counter")).toBe(TOKEN);
  });

  it("deletes the stored token when an empty one is given", () => {
    open(`/realtime-counter#token=${TOKEN}`);
    expect(open("/realtime-counter#token=")).toBeUndefined();
    expect(open("/realtime-counter")).toBeUndefined();
    expect(address()).toBe("/realtime-counter");
  });

  it("leaves fragments without a token in the address", () => {
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
});

describe("withToken", () => {
  it.each([
    ["wss://a.test/prod", TOKEN, `wss://a.test/prod?token=${TOKEN}`],
    ["wss://a.test/prod?x=1", "a b&c", "wss://a.test/prod?x=1&token=a+b%26c"],
    ["wss://a.test/prod", undefined, "wss://a.test/prod"],
  ])("adds a token to an address: %s with %s is %s", (webSocketUrl, token, expected) => {
    expect(withToken({ webSocketUrl, times: DEFAULT_TIMES }, token)).toEqual({ webSocketUrl: expected, times: DEFAULT_TIMES });
  });

  it("leaves a configuration with a problem as it is", () => {
    expect(withToken({ problem: "The file is missing." }, TOKEN)).toEqual({ problem: "The file is missing." });
  });
});
