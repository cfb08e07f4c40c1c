import { expect, it, vi } from "vitest";

import { createClickQueue, MAX_CLICK_AGE_MS, QUEUE_LIMIT } from "../src/client/click-queue";
import { createPendingStorage } from "../src/client/pending-storage";
import { createCounterStore } from "../src/client/store";
import { DEFAULT_TIMES } from "../src/client/times";
import { fakePage, fakeStorage, testClock, withFakeTimers } from "./fake-page";
import { fakeWebSockets } from "./fake-web-socket";

const SESSION = "session-of-the-test";
const id = (sequence: number, session = SESSION) => `${session}:${sequence}`;

withFakeTimers();

function setUp(storage = fakeStorage(), session = SESSION) {
  const network = fakeWebSockets();
  const { page, fire } = fakePage();
  const queue = createClickQueue({ session, storage: createPendingStorage(session, () => storage) });
  const warn = vi.fn<(problem: string) => void>();
  const store = createCounterStore({
    url: "wss://example.test/prod",
    WebSocket: network.WebSocket,
    clock: testClock().clock,
    page,
    queue,
    warn,
  });
  const shown = () => store.getSnapshot();
  return { ...network, store, storage, shown, fire, warn };
}

function setUpOpen(...given: Parameters<typeof setUp>) {
  const parts = setUp(...given);
  parts.store.start();
  parts.latest().open();
  return parts;
}

function reconnect({ latest }: Pick<ReturnType<typeof setUp>, "latest">) {
  latest().drop();
  vi.advanceTimersByTime(DEFAULT_TIMES.reconnectMs);
  latest().open();
}

it("creates a store without a value and without a connection", () => {
  expect(setUp().shown()).toEqual({
    value: undefined,
    connection: "closed",
    retryInMs: undefined,
    pending: 0,
    full: false,
    roundTripMs: undefined,
    error: undefined,
    rejected: false,
    droppedClicks: 0,
  });
});

it("shows the state of the connection and the delay before a retry", () => {
  const { store, latest, shown } = setUp();
  store.start();
  expect(shown().connection).toBe("connecting");
  latest().open();
  expect(shown().connection).toBe("open");
  latest().drop();
  expect(shown()).toMatchObject({ connection: "waiting", retryInMs: 3000 });
  vi.advanceTimersByTime(3000);
  expect(shown()).toMatchObject({ connection: "connecting", retryInMs: undefined });
  store.stop();
  expect(shown().connection).toBe("closed");
});

it("shows the round trip of the last response", () => {
  const { store, latest, shown } = setUpOpen();
  vi.advanceTimersByTime(20);
  latest().receiveValue(1);
  expect(shown().roundTripMs).toBe(20);
  store.increment();
  vi.advanceTimersByTime(30);
  latest().receiveValue(2, id(1));
  latest().receiveValue(3);
  expect(shown().roundTripMs).toBe(30);
});

it("never decreases the value when messages arrive out of order", () => {
  const { latest, shown } = setUpOpen();
  const values = [0, 3, 5, 4, 5, 9, 1].map((value) => {
    latest().receiveValue(value);
    return shown().value;
  });
  expect(values).toEqual([0, 3, 5, 5, 5, 9, 9]);
});

it("never decreases the value across reconnects and restarts", () => {
  const parts = setUpOpen();
  const { latest, shown, store } = parts;
  latest().receiveValue(7);
  reconnect(parts);
  expect(shown().value).toBe(7);
  latest().receiveValue(2);
  expect(shown().value).toBe(7);
  store.stop();
  store.start();
  latest().open();
  latest().receiveValue(6);
  expect(shown().value).toBe(7);
  latest().receiveValue(8);
  expect(shown().value).toBe(8);
});

it("leaves a click out of the value and pending until it is acknowledged", () => {
  const { store, latest, shown } = setUpOpen();
  latest().receiveValue(4);
  expect(store.increment()).toBe(true);
  expect(latest().ids()).toEqual([id(1)]);
  expect(shown()).toMatchObject({ value: 4, pending: 1 });
  latest().receiveValue(5);
  latest().receiveValue(6, id(1, "session-of-another"));
  expect(shown()).toMatchObject({ value: 6, pending: 1 });
  latest().receiveValue(7, id(1));
  expect(shown()).toMatchObject({ value: 7, pending: 0 });
});

it("accepts no click beyond the limit", () => {
  const { store, shown } = setUp();
  const added = Array.from({ length: QUEUE_LIMIT + 1 }, () => store.increment());
  expect(added.slice(-2)).toEqual([true, false]);
  expect(shown()).toMatchObject({ pending: QUEUE_LIMIT, full: true });
});

it("sends a click again after a reload", () => {
  const before = setUp();
  before.store.increment();
  const { store, latest, shown, storage } = setUp(before.storage, "the-session-after-it");
  store.start();
  expect(shown().pending).toBe(1);
  latest().open();
  expect(latest().ids()).toEqual([id(1)]);
  latest().receiveValue(1, id(1));
  expect([shown().pending, storage.length]).toEqual([0, 0]);
});

it("drops clicks that are a day old when the page is loaded again", () => {
  const before = setUp();
  before.store.increment();
  vi.advanceTimersByTime(MAX_CLICK_AGE_MS + 1);
  const { latest, shown, storage } = setUpOpen(before.storage, "the-session-after-it");
  expect([shown(), latest().ids(), storage.length]).toMatchObject([{ pending: 0, droppedClicks: 1 }, [], 0]);
});

it("sends the clicks that another page left while this one was in the back/forward cache", () => {
  const { storage, fire, latest } = setUpOpen();
  fire("pagehide");
  const other = setUp(storage, "the-page-in-between");
  other.store.increment();
  fire("pageshow");
  latest().open();
  expect(latest().ids()).toEqual([id(1, "the-page-in-between")]);
});

it("shows an error without an id until the next value, and sends nothing again", () => {
  const { store, latest, shown } = setUpOpen();
  store.increment();
  latest().receiveError("not-json");
  expect(shown().error).toBe("This is not-json.");
  vi.advanceTimersByTime(500);
  latest().receiveValue(4);
  expect([shown().error, latest().ids()]).toEqual([undefined, [id(1)]]);
});

it.each(["busy", "unavailable"])("shows that the counter cannot be read after %s without an id, until the next value", (code) => {
  const { latest, shown } = setUpOpen();
  latest().receiveValue(4);
  latest().receiveError(code);
  expect(shown()).toMatchObject({
    connection: "open",
    value: 4,
    error: "The server cannot read the counter right now.",
  });
  latest().receiveValue(5);
  expect(shown()).toMatchObject({ value: 5, error: undefined });
});

it("shows an unreadable message and sends the clicks in flight again", () => {
  const { store, latest, shown } = setUpOpen();
  store.increment();
  latest().receive("<html>");
  expect(shown()).toMatchObject({ error: "The server sent a message that this page does not understand.", pending: 1 });
  vi.advanceTimersByTime(500);
  expect(latest().ids()).toEqual([id(1), id(1)]);
});

it("shows a gateway error and sends the clicks in flight again", () => {
  const { store, latest, shown } = setUpOpen();
  store.increment();
  latest().receive('{"message": "Internal server error", "connectionId": "a", "requestId": "b"}');
  expect(shown()).toMatchObject({ error: "The gateway reported “Internal server error”.", pending: 1 });
  vi.advanceTimersByTime(500);
  expect(latest().ids()).toEqual([id(1), id(1)]);
});

it.each(["busy", "unavailable", "unknown-outcome", "too-many-clicks", "of-a-later-version"])(
  "keeps a click after the error %s and sends it again under its op id",
  (code) => {
    const { store, latest, shown } = setUpOpen();
    store.increment();
    latest().receiveError(code, id(1));
    expect(shown()).toMatchObject({ pending: 1, error: undefined, droppedClicks: 0 });
    vi.advanceTimersByTime(500);
    expect(latest().ids()).toEqual([id(1), id(1)]);
    latest().receiveError(code, id(1));
    expect(shown().error).toContain("will be retried automatically");
    vi.advanceTimersByTime(1000);
    latest().receiveValue(1, id(1));
    expect(shown()).toMatchObject({ pending: 0, error: undefined, droppedClicks: 0 });
  },
);

it("retries only the click that an error names", () => {
  const { store, latest } = setUpOpen();
  store.increment();
  store.increment();
  latest().receiveError("busy", id(1));
  vi.advanceTimersByTime(500);
  expect(latest().ids()).toEqual([id(1), id(2)]);
  latest().receiveValue(1, id(2));
  expect(latest().ids()).toEqual([id(1), id(2), id(1)]);
});

it.each([
  ["its id", id(1)],
  ["no id", undefined],
])("drops a click after bad-id with %s and shows a notice until it is dismissed", (_case, rejected) => {
  const { store, latest, shown } = setUpOpen();
  store.increment();
  latest().receiveError("bad-id", rejected);
  expect(shown()).toMatchObject({ pending: 0, droppedClicks: 1, error: "This is bad-id." });
  latest().receiveValue(1);
  expect(shown()).toMatchObject({ droppedClicks: 1, error: undefined });
  store.dismissDropped();
  expect(shown().droppedClicks).toBe(0);
  expect(latest().ids()).toEqual([id(1)]);
});

it("counts the growth of the value towards the rate, except while disconnected", () => {
  const parts = setUpOpen();
  const receive = (values: number[]) => values.forEach((value) => parts.latest().receiveValue(value));
  const rate = () => parts.store.readRate().reduce((sum, each) => sum + each, 0);
  receive([100, 103, 102, 104]);
  expect(rate()).toBe(4);
  reconnect(parts);
  receive([1000, 1001]);
  expect(rate()).toBe(5);
});

it("calls every listener until it unsubscribes", () => {
  const { store, latest } = setUpOpen();
  latest().receiveValue(0);
  const staying = vi.fn<() => void>();
  const leaving = vi.fn<() => void>();
  store.subscribe(staying);
  const leave = store.subscribe(leaving);
  latest().receiveValue(1);
  leave();
  latest().receiveValue(2);
  expect([staying.mock.calls.length, leaving.mock.calls.length]).toEqual([2, 1]);
});

it("keeps the snapshot identical while nothing changes", () => {
  const { store, latest } = setUpOpen();
  latest().receiveValue(1);
  const before = store.getSnapshot();
  latest().receiveValue(1);
  expect(store.getSnapshot()).toBe(before);
  latest().receiveValue(2);
  expect(store.getSnapshot()).not.toBe(before);
});

it("confirms a click whose value it cannot use, keeps the last value, and says so until the next one", () => {
  const { store, latest, shown, warn } = setUpOpen();
  latest().receiveValue(7);
  store.increment();
  latest().receiveValue(2 ** 53, id(1));
  latest().receiveValue(2 ** 53);
  expect(shown()).toMatchObject({ connection: "open", value: 7, pending: 0 });
  expect(shown().error).toBe("The server sent a value that this page cannot show. The number above is the last valid value.");
  expect(warn.mock.calls).toEqual([
    ["The server sent a value that is not a whole number from 0 to 9007199254740991. Correct the stored value."],
  ]);
  latest().receiveValue(Number.MAX_SAFE_INTEGER);
  expect(shown()).toMatchObject({ value: Number.MAX_SAFE_INTEGER, error: undefined });
});

it("reports each unknown type of message once, and changes nothing that it shows", () => {
  const { latest, shown, warn } = setUpOpen();
  latest().receiveValue(7);
  const before = shown();
  for (const type of ["presence", "presence", "weather"]) latest().receive(JSON.stringify({ type }));
  expect(shown()).toBe(before);
  expect(warn.mock.calls).toEqual([
    ["The server sent a message of the unknown type “presence”. Reload the page to update it."],
    ["The server sent a message of the unknown type “weather”. Reload the page to update it."],
  ]);
});

it("reports unreadable frames once", () => {
  const { latest, warn } = setUpOpen();
  latest().receive("<html>");
  latest().receive("<html>");
  expect(warn).toHaveBeenCalledExactlyOnceWith("The server sent a message that this page does not understand.");
});

it("says that the server rejects its handshakes until one succeeds", () => {
  const { store, latest, shown } = setUp();
  store.start();
  const rejected = [1, 2, 3, 4].map(() => {
    latest().fail();
    const shows = shown().rejected;
    vi.advanceTimersByTime(shown().retryInMs ?? 0);
    return shows;
  });
  expect([rejected, shown().rejected]).toEqual([[false, false, true, true], true]);
  latest().open();
  expect(shown().rejected).toBe(false);
});
