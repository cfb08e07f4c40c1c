import { expect, it, vi } from "vitest";

import { ROTATE_RETRY_MS } from "../src/client/times";
import { CLICK, GET_CURRENT, live, RECONNECT_MS, ROTATE_AFTER_MS, setUpOpen } from "./counter-socket-fixture";
import { withFakeTimers } from "./fake-page";

withFakeTimers();

/** A socket whose replacement connection is at its handshake. */
function setUpRotating() {
  const parts = setUpOpen();
  live(parts, ROTATE_AFTER_MS);
  const [old] = parts.sockets;
  return { ...parts, old, replacement: parts.latest() };
}

it("opens the replacement before it closes the old connection", () => {
  const { old, replacement, states, alive, messages } = setUpRotating();
  expect(alive()).toEqual([old, replacement]);
  replacement.open();
  expect([alive(), replacement.sent]).toEqual([[old, replacement], [GET_CURRENT]]);
  old?.receiveValue(8);
  messages.splice(0);
  replacement.receiveValue(9);
  expect([alive(), states]).toEqual([[replacement], ["connecting", "open", "open"]]);
  expect(messages).toMatchObject([{ value: 9 }]);
});

it("sends on the old connection until the replacement has received a value", () => {
  const { socket, old, replacement } = setUpRotating();
  replacement.open();
  replacement.receiveError("unavailable");
  socket.send(CLICK);
  replacement.receiveValue(9);
  socket.send(CLICK);
  expect([old?.ids(), replacement.sent]).toEqual([[CLICK.id], [GET_CURRENT, CLICK]]);
});

it.each([
  ["the handshake of the replacement fails", false],
  ["the WebSocket constructor throws", true],
])("keeps the old connection when %s, and retries", (_case, blocked) => {
  const parts = setUpOpen();
  const { sockets, latest, states, alive, setBlocked } = parts;
  const [old] = sockets;
  setBlocked(blocked);
  live(parts, ROTATE_AFTER_MS);
  if (!blocked) latest().fail();
  setBlocked(false);
  expect([alive(), states]).toEqual([[old], ["connecting", "open"]]);
  live(parts, ROTATE_RETRY_MS);
  expect(alive()).toEqual([old, latest()]);
  latest().open();
  latest().receiveValue(1);
  expect(alive()).toEqual([latest()]);
});

it("waits for the replacement when the old connection is lost during its handshake", () => {
  const { sockets, old, replacement, states } = setUpRotating();
  old?.drop();
  expect(states.at(-1)).toBe("connecting");
  replacement.open();
  expect([states.at(-1), sockets.length, replacement.sent]).toEqual(["open", 2, [GET_CURRENT]]);
});

it("uses the open replacement when the old connection is lost before its first value", () => {
  const { sockets, old, replacement, states } = setUpRotating();
  replacement.open();
  old?.drop();
  expect([states, sockets.length]).toEqual([["connecting", "open", "open"], 2]);
});

it.each([
  ["the old connection first", 0, 1],
  ["the replacement first", 1, 0],
])("waits and reconnects when both connections of a rotation are lost, %s", (_case, first, second) => {
  const { sockets, states } = setUpRotating();
  sockets[first]?.drop();
  sockets[second]?.drop();
  expect([sockets.length, states.at(-1)]).toEqual([2, "waiting"]);
  vi.advanceTimersByTime(RECONNECT_MS);
  expect(sockets).toHaveLength(3);
});

it("replaces a replacement when it is old enough itself", () => {
  const parts = setUpOpen();
  const { sockets, latest } = parts;
  for (let rotation = 1; rotation <= 3; rotation += 1) {
    live(parts, ROTATE_AFTER_MS);
    expect(sockets).toHaveLength(rotation + 1);
    latest().open();
    latest().receiveValue(1);
  }
});

it("opens no replacement while disconnected, and restarts the rotation timer after a reconnect", () => {
  const parts = setUpOpen();
  const { sockets, latest, alive } = parts;
  live(parts, ROTATE_AFTER_MS - 1000);
  latest().drop();
  vi.advanceTimersByTime(RECONNECT_MS);
  latest().open();
  live(parts, ROTATE_AFTER_MS - 1000);
  expect([sockets.length, alive()]).toEqual([2, [latest()]]);
});
