import type { Socket } from "../src/client/connection";

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** A WebSocket whose network events the test fires. */
export class FakeWebSocket extends EventTarget implements Socket {
  readonly url: string;
  /** The subprotocols that were offered; undefined if the argument was left out. */
  readonly protocols: string[] | undefined;
  readonly sent: unknown[] = [];
  readyState: Socket["readyState"] = CONNECTING;

  constructor(url: string, protocols?: string[]) {
    super();
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string) {
    if (this.readyState === CONNECTING) throw new DOMException("Still connecting", "InvalidStateError");
    if (this.readyState === OPEN) this.sent.push(JSON.parse(text));
  }

  /** Starts the closing handshake. The close event comes later, as in browsers: drop() fires it. */
  close() {
    if (this.readyState !== CLOSED) this.readyState = CLOSING;
  }

  open() {
    this.readyState = OPEN;
    this.dispatchEvent(new Event("open"));
  }

  receive(data: unknown) {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  receiveValue(value: number, id?: string) {
    this.receive(JSON.stringify({ type: "counter-update", value, id }));
  }

  receiveError(code: string, id?: string) {
    this.receive(JSON.stringify({ type: "error", code, message: `This is ${code}.`, id }));
  }

  /** Ids of the increments that were sent, in order. */
  ids(): string[] {
    return this.sent.flatMap((message) => (message as { id?: string }).id ?? []);
  }

  fail() {
    this.dispatchEvent(new Event("error"));
    this.drop();
  }

  drop() {
    this.readyState = CLOSED;
    this.dispatchEvent(new Event("close"));
  }
}

/** A constructor to inject, and every socket that it has created. It throws while `setBlocked(true)` is in force. */
export function fakeWebSockets() {
  const sockets: FakeWebSocket[] = [];
  let blocked = false;
  class RecordedWebSocket extends FakeWebSocket {
    constructor(url: string, protocols?: string[]) {
      if (blocked) throw new DOMException("Blocked", "SecurityError");
      super(url, protocols);
      sockets.push(this);
    }
  }
  return {
    WebSocket: RecordedWebSocket,
    sockets,
    setBlocked(block: boolean) {
      blocked = block;
    },
    /** The newest socket. */
    latest(): FakeWebSocket {
      const socket = sockets.at(-1);
      if (socket === undefined) throw new Error("No socket was made.");
      return socket;
    },
    /** The sockets that are connecting or open. */
    alive: () => sockets.filter((socket) => socket.readyState <= OPEN),
  };
}
