/** The real store, socket and connection in simulated time, with a server that the test slows down or breaks. */

import { vi } from "vitest";

import { createClickQueue } from "../src/client/click-queue";
import { createPendingStorage } from "../src/client/pending-storage";
import type { ClientMessage } from "../src/client/protocol";
import { createCounterStore } from "../src/client/store";
import { fakePage, fakeStorage, testClock } from "./fake-page";
import { FakeWebSocket } from "./fake-web-socket";

/** Time until a handshake is complete or a request has its response, unless a test sets another. */
export const LATENCY_MS = 50;

export type Respond = (socket: FakeWebSocket, message: ClientMessage) => void;

export const idOf = (message: ClientMessage) => ("id" in message ? message.id : undefined);

interface Options {
  random?: number;
  handshakeMs?: number;
  responseMs?: number;
}

/**
 * A started store whose server responds to every request with `respond`, and counts clicks once heal() is called.
 * Without `respond` it counts them from the start.
 */
export function setUpServed(
  respond?: Respond,
  { random = 0.5, handshakeMs = LATENCY_MS, responseMs = LATENCY_MS }: Options = {},
) {
  const server = { healthy: respond === undefined, responseMs };
  const counted = new Set<string>();
  const sockets: FakeWebSocket[] = [];
  const count: Respond = (socket, message) => {
    const id = idOf(message);
    if (id !== undefined) counted.add(id);
    const value = counted.size;
    setTimeout(() => socket.receiveValue(value, id), server.responseMs / 2);
  };
  class ServedWebSocket extends FakeWebSocket {
    constructor(...given: ConstructorParameters<typeof FakeWebSocket>) {
      super(...given);
      sockets.push(this);
      setTimeout(() => this.open(), handshakeMs);
    }
    override send(text: string) {
      super.send(text);
      const message = JSON.parse(text) as ClientMessage;
      const act = server.healthy || respond === undefined ? count : respond;
      setTimeout(() => act(this, message), act === count ? server.responseMs / 2 : server.responseMs);
    }
    override open() {
      if (this.readyState === 0) super.open();
    }
    override receive(data: unknown) {
      // A browser drops what arrives after close().
      if (this.readyState === 1) super.receive(data);
    }
  }

  const { page, setHidden } = fakePage();
  const session = "session-of-the-test";
  const warn = vi.fn<(problem: string) => void>();
  const store = createCounterStore({
    url: "wss://example.test/prod",
    WebSocket: ServedWebSocket,
    clock: { ...testClock().clock, random: () => random },
    page,
    queue: createClickQueue({ session, storage: createPendingStorage(session, fakeStorage) }),
    warn,
  });
  const states = new Set<string>();
  store.subscribe(() => states.add(store.getSnapshot().connection));
  store.start();
  vi.advanceTimersByTime(handshakeMs + responseMs);
  return {
    store,
    shown: store.getSnapshot,
    states,
    sockets,
    setHidden,
    counted,
    warn,
    heal: () => {
      server.healthy = true;
    },
    /** Lets the server respond that much later from now on. */
    slowDown: (ms: number) => {
      server.responseMs = ms;
    },
    requests: () => sockets.flatMap(({ sent }) => sent),
  };
}
