/** The connection: one WebSocket at a time, replaced after a drop. Knows nothing of React. */

import { type ClientMessage, encode, parse, type ServerMessage } from "./protocol";

/** "waiting" is the pause before the next attempt; "closed" is not started, or stopped. */
export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

export const RECONNECT_DELAY_MS = 3000;

export type Socket = Pick<WebSocket, "addEventListener" | "close" | "readyState" | "send">;
export type SocketConstructor = new (url: string) => Socket;

/** Runs the task after the delay, unless the returned function is called first. */
export type Schedule = (task: () => void, delayMs: number) => () => void;

export interface CounterSocketOptions {
  url: string;
  onState: (state: ConnectionState) => void;
  onMessage: (message: ServerMessage) => void;
  WebSocket?: SocketConstructor | undefined;
  schedule?: Schedule | undefined;
}

export interface CounterSocket {
  start: () => void;
  stop: () => void;
  /** Sends when the connection is open; returns whether it did. */
  send: (message: ClientMessage) => boolean;
}

const OPEN = 1;

const afterDelay: Schedule = (task, delayMs) => {
  const timer = setTimeout(task, delayMs);
  return () => clearTimeout(timer);
};

export function createCounterSocket({
  url,
  onState,
  onMessage,
  WebSocket = globalThis.WebSocket,
  schedule = afterDelay,
}: CounterSocketOptions): CounterSocket {
  let state: ConnectionState = "closed";
  let socket: Socket | undefined;
  let cancelRetry: (() => void) | undefined;

  // Always the last step of a transition: the listener may call start() or stop().
  function enter(next: ConnectionState) {
    if (state === next) return;
    state = next;
    onState(next);
  }

  function connect() {
    let candidate: Socket;
    try {
      candidate = new WebSocket(url);
    } catch {
      retryLater();
      return;
    }
    socket = candidate;

    // A closing handshake can outlive its socket's turn by minutes, so every event asks whose it is.
    const isCurrent = () => socket === candidate;
    candidate.addEventListener("open", () => {
      if (!isCurrent()) return;
      enter("open");
      send({ action: "get-current" });
    });
    candidate.addEventListener("message", (event) => {
      if (isCurrent()) onMessage(parse(event.data));
    });
    // A failed attempt fires "error" and then "close"; the second says all there is to know.
    candidate.addEventListener("close", () => {
      if (isCurrent()) retryLater();
    });
    enter("connecting");
  }

  function retryLater() {
    socket = undefined;
    cancelRetry = schedule(connect, RECONNECT_DELAY_MS);
    enter("waiting");
  }

  function send(message: ClientMessage): boolean {
    // While closing, send() would drop the message without a word.
    if (socket?.readyState !== OPEN) return false;
    socket.send(encode(message));
    return true;
  }

  return {
    start() {
      if (state === "closed") connect();
    },
    stop() {
      const retired = socket;
      socket = undefined;
      cancelRetry?.();
      retired?.close();
      enter("closed");
    },
    send,
  };
}
