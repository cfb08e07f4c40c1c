import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { ROTATE_RETRY_MS } from "../src/client/times";
import { CLICK, GET_CURRENT, live, RECONNECT_MS, ROTATE_AFTER_MS, setUp, setUpOpen } from "./counter-socket-fixture";
import { fakeWebSockets } from "./fake-web-socket";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it("opens the replacement before it closes the old connection", () => {
  const parts = setUpOpen();
  const { sockets, states, alive, messages } = parts;
  live(parts, ROTATE_AFTER_MS);
  const [old, fresh] = sockets;
  expect(alive()).toEqual([old, fresh]);
  fresh?.open();
  expect([alive(), fresh?.sent]).toEqual([[old, fresh], [GET_CURRENT]]);
  old?.receiveValue(8);
  messages.splice(0);
  fresh?.receiveValue(9);
  expect([alive(), states]).toEqual([[fresh], ["connecting", "open", "open"]]);
  expect(messages).toMatchObject([{ value: 9 }]);
});

it("sends on the old connection until the replacement has received a value", () => {
  const parts = setUpOpen();
  const { socket, sockets } = parts;
  live(parts, ROTATE_AFTER_MS);
  const [old, fresh] = sockets;
  fresh?.open();
  socket.send(CLICK);
  fresh?.receiveValue(9);
  socket.send(CLICK);
  expect([old?.ids(), fresh?.sent]).toEqual([[CLICK.id], [GET_CURRENT, CLICK]]);
});

it("keeps the old connection when the replacement fails, and retries", () => {
  const parts = setUpOpen();
  const { sockets, latest, states, alive } = parts;
  live(parts, ROTATE_AFTER_MS);
  latest().fail();
  expect([alive(), states]).toEqual([[sockets[0]], ["connecting", "open"]]);
  live(parts, ROTATE_RETRY_MS);
  expect(sockets).toHaveLength(3);
  latest().open();
  latest().receiveValue(1);
  expect(alive()).toEqual([latest()]);
});

it("keeps the old connection while the replacement receives only errors", () => {
  const parts = setUpOpen();
  const { sockets, latest, alive } = parts;
  live(parts, ROTATE_AFTER_MS);
  latest().open();
  latest().receiveError("unavailable");
  expect(alive()).toEqual(sockets);
});

it("opens no replacement while disconnected", () => {
  const parts = setUpOpen();
  const { sockets, latest } = parts;
  live(parts, ROTATE_AFTER_MS - 1000);
  latest().drop();
  vi.advanceTimersByTime(2000);
  expect(sockets).toHaveLength(1);
});

it("waits for the replacement when the old connection is lost during its handshake", () => {
  const parts = setUpOpen();
  const { sockets, latest, states } = parts;
  live(parts, ROTATE_AFTER_MS);
  sockets[0]?.drop();
  expect(states.at(-1)).toBe("connecting");
  latest().open();
  expect([states.at(-1), sockets.length, latest().sent]).toEqual(["open", 2, [GET_CURRENT]]);
});

it("uses the open replacement when the old connection is lost before its first value", () => {
  const parts = setUpOpen();
  const { sockets, latest, states } = parts;
  live(parts, ROTATE_AFTER_MS);
  latest().open();
  sockets[0]?.drop();
  expect([states, sockets.length]).toEqual([["connecting", "open", "open"], 2]);
});

it("rotates the replacement in its turn", () => {
  const parts = setUpOpen();
  const { sockets, latest } = parts;
  for (let rotation = 1; rotation <= 3; rotation += 1) {
    live(parts, ROTATE_AFTER_MS);
    expect(sockets).toHaveLength(rotation + 1);
    latest().open();
    latest().receiveValue(1);
  }
});

it("restarts the rotation timer after a reconnect", () => {
  const parts = setUpOpen();
  const { sockets, latest, alive } = parts;
  live(parts, ROTATE_AFTER_MS - 10_000);
  latest().drop();
  vi.advanceTimersByTime(RECONNECT_MS);
  latest().open();
  live(parts, 60_000);
  expect([sockets.length, alive()]).toEqual([2, [latest()]]);
});

it("retries a rotation when the WebSocket constructor throws", () => {
  const { WebSocket, sockets, latest, alive } = fakeWebSockets();
  let broken = false;
  const { socket, states } = setUp(
    class extends WebSocket {
      constructor(url: string) {
        if (broken) throw new DOMException("Refused", "SecurityError");
        super(url);
      }
    },
  );
  socket.start();
  latest().open();
  broken = true;
  live({ alive }, ROTATE_AFTER_MS);
  broken = false;
  live({ alive }, ROTATE_RETRY_MS);
  expect([sockets.length, states]).toEqual([2, ["connecting", "open"]]);
});
