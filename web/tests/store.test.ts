import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { RECONNECT_DELAY_MS } from "../src/counter/counter-socket";
import { createCounterStore } from "../src/counter/store";
import { fakeWebSockets } from "./fake-web-socket";

const ERROR = JSON.stringify({ type: "error", code: "busy", message: "Try again." });

function setUp() {
  const network = fakeWebSockets();
  const store = createCounterStore({ url: "wss://example.test/prod", WebSocket: network.WebSocket });
  return { ...network, store };
}

function setUpOpen() {
  const parts = setUp();
  parts.store.start();
  parts.latest().open();
  return parts;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("knows nothing at first", () => {
  const { store } = setUp();
  expect(store.getSnapshot()).toEqual({ value: undefined, connection: "closed", error: undefined });
});

it("follows the connection", () => {
  const { store, latest } = setUp();
  store.start();
  expect(store.getSnapshot().connection).toBe("connecting");
  latest().open();
  expect(store.getSnapshot().connection).toBe("open");
  latest().drop();
  expect(store.getSnapshot().connection).toBe("waiting");
  store.stop();
  expect(store.getSnapshot().connection).toBe("closed");
});

describe("the value", () => {
  it("shows a counter of zero", () => {
    const { store, latest } = setUpOpen();
    latest().receiveValue(0);
    expect(store.getSnapshot().value).toBe(0);
  });

  it("never decreases on a connection", () => {
    const { store, latest } = setUpOpen();
    const shown = [3, 5, 4, 5, 9, 1].map((value) => {
      latest().receiveValue(value);
      return store.getSnapshot().value;
    });
    expect(shown).toEqual([3, 5, 5, 5, 9, 9]);
  });

  it("stays while the page reconnects", () => {
    const { store, latest } = setUpOpen();
    latest().receiveValue(7);
    latest().drop();
    expect(store.getSnapshot().value).toBe(7);
    vi.advanceTimersByTime(RECONNECT_DELAY_MS);
    expect(store.getSnapshot().value).toBe(7);
    latest().open();
    expect(store.getSnapshot().value).toBe(7);
  });

  it("starts anew on a new connection", () => {
    const { store, latest } = setUpOpen();
    latest().receiveValue(7);
    latest().drop();
    vi.advanceTimersByTime(RECONNECT_DELAY_MS);
    latest().open();
    latest().receiveValue(2);
    expect(store.getSnapshot().value).toBe(2);
    latest().receiveValue(1);
    expect(store.getSnapshot().value).toBe(2);
  });
});

describe("the error", () => {
  it("is shown and cleared by the next value", () => {
    const { store, latest } = setUpOpen();
    latest().receiveValue(4);
    latest().receive(ERROR);
    expect(store.getSnapshot()).toMatchObject({ value: 4, error: "Try again." });
    latest().receiveValue(4);
    expect(store.getSnapshot()).toMatchObject({ value: 4, error: undefined });
  });

  it("comes from the gateway as well", () => {
    const { store, latest } = setUpOpen();
    latest().receive('{"message": "Internal server error", "connectionId": "a", "requestId": "b"}');
    expect(store.getSnapshot().error).toBe("The gateway reported “Internal server error”.");
  });
});

describe("increment", () => {
  it("sends one request per call and leaves the value to the server", () => {
    const { store, latest } = setUpOpen();
    latest().receiveValue(4);
    expect(store.increment()).toBe(true);
    expect(latest().sent).toEqual([{ action: "get-current" }, { action: "increment" }]);
    expect(store.getSnapshot().value).toBe(4);
  });

  it("sends nothing while disconnected, then or later", () => {
    const { store, latest } = setUpOpen();
    latest().drop();
    expect(store.increment()).toBe(false);
    vi.advanceTimersByTime(RECONNECT_DELAY_MS);
    latest().open();
    expect(latest().sent).toEqual([{ action: "get-current" }]);
  });
});

describe("subscribe", () => {
  it("tells every listener until it leaves", () => {
    const { store, latest } = setUpOpen();
    const staying = vi.fn<() => void>();
    const leaving = vi.fn<() => void>();
    store.subscribe(staying);
    const leave = store.subscribe(leaving);
    latest().receiveValue(1);
    leave();
    latest().receiveValue(2);
    expect(staying).toHaveBeenCalledTimes(2);
    expect(leaving).toHaveBeenCalledTimes(1);
  });

  it("keeps the snapshot identical while nothing changes", () => {
    const { store, latest } = setUpOpen();
    latest().receiveValue(1);
    const before = store.getSnapshot();
    expect(store.getSnapshot()).toBe(before);
    latest().receiveValue(2);
    expect(store.getSnapshot()).not.toBe(before);
  });
});
