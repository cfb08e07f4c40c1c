import { expect, it, vi } from "vitest";

import { GET_CURRENT, live, RECONNECT_MS, ROTATE_AFTER_MS, setUp, setUpOpen, setUpStarted } from "./counter-socket-fixture";
import { withFakeTimers } from "./fake-page";

withFakeTimers();

it.each(["resumed", "pageshow", "offline"] as const)(
  "sends a heartbeat on an open connection, and keeps a handshake that is under way, on %s",
  (event) => {
    const { latest, sockets, fire } = setUpStarted();
    fire(event);
    latest().open();
    latest().receiveValue(1);
    fire(event);
    expect(sockets.map(({ sent }) => sent)).toEqual([[GET_CURRENT, GET_CURRENT]]);
  },
);

it.each([
  ["resumed", 2, "connecting"],
  ["pageshow", 2, "connecting"],
  ["offline", 1, "waiting"],
] as const)("reconnects without waiting on resumed and pageshow, and not on offline: %s", (event, attempts, state) => {
  const { latest, sockets, fire, states } = setUpOpen();
  latest().drop();
  fire(event);
  expect([sockets.length, states.at(-1)]).toEqual([attempts, state]);
  vi.advanceTimersByTime(RECONNECT_MS);
  expect(sockets).toHaveLength(2);
});

it("closes both connections of a rotation on pagehide, and reconnects on pageshow only", () => {
  const parts = setUpOpen();
  const { latest, alive, fire, states } = parts;
  live(parts, ROTATE_AFTER_MS);
  expect(alive()).toHaveLength(2);
  fire("pagehide");
  fire("resumed");
  expect([alive(), states.at(-1), vi.getTimerCount()]).toEqual([[], "closed", 0]);
  fire("pageshow");
  expect([alive(), states.at(-1)]).toEqual([[latest()], "connecting"]);
});

it("ignores page events before start() and after stop()", () => {
  const { socket, fire, sockets, listeners } = setUp();
  fire("pageshow");
  expect(sockets).toHaveLength(0);
  socket.start();
  socket.stop();
  expect(listeners.size).toBe(0);
});
