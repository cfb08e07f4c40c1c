/** One WebSocket from its making to its end: asks, waits for answers, and notices when nobody is there. */

import type { Clock } from "./clock";
import type { Page } from "./page";
import { type ClientMessage, encode, parse, type ServerMessage } from "./protocol";
import { HANDSHAKE_TIMEOUT_FACTOR, KEEP_ALIVE_MS, type Times } from "./times";

export type Socket = Pick<WebSocket, "addEventListener" | "close" | "readyState" | "send">;
export type SocketConstructor = new (url: string) => Socket;

/** "silent": it did not answer in time. "closed": it said so itself. */
export type LinkEnd = "silent" | "closed";

export interface Link {
  /** When it opened, by the clock; undefined before. */
  readonly openedAt: number | undefined;
  /** Sends when it is open; returns whether it did. */
  send: (message: ClientMessage) => boolean;
  /** A heartbeat now: the answer shows that it lives, and brings the stored value. */
  check: () => void;
  /** Without another word to the listeners. */
  close: () => void;
}

export interface LinkOptions {
  url: string;
  WebSocket: SocketConstructor;
  clock: Clock;
  page: Page;
  times: Times;
  onOpen: () => void;
  /** With the time from the request that it answers, where it does. */
  onMessage: (message: ServerMessage, roundTripMs: number | undefined) => void;
  onEnd: (end: LinkEnd) => void;
}

const OPEN = 1;
/** The heartbeat's action; it names the request, as the id names a click. */
const HEARTBEAT = "get-current";

/** The request that a message answers, besides the click that it names. */
const ANSWERS: Partial<Record<ServerMessage["type"], ClientMessage["action"]>> = {
  "counter-update": HEARTBEAT, // somebody's click says as much as an answer would
};

// Browsers hold back the timers of hidden and of busy pages. Then answers may be waiting to be read, too.
const LATE_MS = 500;

/** Throws what the constructor of WebSocket throws. */
export function createLink({
  url,
  WebSocket,
  clock,
  page,
  times,
  onOpen,
  onMessage,
  onEnd,
}: LinkOptions): Link {
  const socket = new WebSocket(url);
  const madeAt = clock.now();
  let openedAt: number | undefined;
  let heardAt = 0;
  let spokeAt = 0;
  let ended = false;
  /** A deadline that a late timer found passed, and until when it is put off. */
  let pardon = { deadline: NaN, until: NaN };
  let cancelAlarm: (() => void) | undefined;
  /** What has no answer yet, and since when; the oldest first. */
  const asked = new Map<string, number>();

  function deadline(): number {
    const [oldest = Infinity] = asked.values();
    const due = openedAt === undefined ? madeAt + HANDSHAKE_TIMEOUT_FACTOR * times.acknowledgeMs : oldest + times.acknowledgeMs;
    return due === pardon.deadline ? pardon.until : due;
  }

  function heartbeatDue(): number {
    if (openedAt === undefined || asked.has(HEARTBEAT)) return Infinity;
    const quiet = page.hidden ? KEEP_ALIVE_MS : times.heartbeatMs;
    return Math.min(heardAt + quiet, spokeAt + KEEP_ALIVE_MS);
  }

  function arm() {
    cancelAlarm?.();
    const due = Math.min(deadline(), heartbeatDue());
    cancelAlarm = clock.schedule(() => ring(due), Math.ceil(Math.max(0, due - clock.now())));
  }

  function ring(due: number) {
    const now = clock.now();
    const deadlineNow = deadline();
    if (now >= deadlineNow) {
      if (deadlineNow === pardon.until || now - due < LATE_MS) {
        end("silent");
        return;
      }
      pardon = { deadline: deadlineNow, until: now + LATE_MS };
    } else if (now >= heartbeatDue()) {
      check();
    }
    arm();
  }

  function leave() {
    ended = true;
    cancelAlarm?.();
    socket.close();
  }

  function end(how: LinkEnd) {
    leave();
    onEnd(how);
  }

  function send(message: ClientMessage): boolean {
    // While closing, send() would drop the message without a word.
    if (ended || socket.readyState !== OPEN) return false;
    socket.send(encode(message));
    const key = message.action === "increment" ? message.id : message.action;
    spokeAt = clock.now();
    asked.delete(key); // a Map would leave it at its old place
    asked.set(key, spokeAt);
    arm();
    return true;
  }

  function check() {
    if (!asked.has(HEARTBEAT)) send({ action: "get-current" });
  }

  /** Strikes out what the message answers; returns how long that took. */
  function settle(message: ServerMessage): number | undefined {
    const now = clock.now();
    if (message.type === "counter-update") heardAt = now;
    const answered = [message.id, ANSWERS[message.type]].filter((key) => key !== undefined);
    if (message.type === "error" && message.code === "gateway") {
      // It does not say whose request failed. The clicks are sent again by others.
      answered.push(...[...asked.keys()].filter((key) => key !== HEARTBEAT));
    }
    const askedAt = answered.map((key) => asked.get(key)).find((at) => at !== undefined);
    for (const key of answered) asked.delete(key);
    arm();
    return askedAt === undefined ? undefined : now - askedAt;
  }

  // A closing handshake can outlive its link by minutes, so every event asks whether it has ended.
  socket.addEventListener("open", () => {
    if (ended) return;
    openedAt = clock.now();
    check();
    onOpen();
  });
  socket.addEventListener("message", (event) => {
    if (ended) return;
    const message = parse(event.data);
    onMessage(message, settle(message));
  });
  // A failed attempt fires "error" and then "close"; the second says all there is to know.
  socket.addEventListener("close", () => {
    if (!ended) end("closed");
  });
  arm();

  return {
    get openedAt() {
      return openedAt;
    },
    send,
    check,
    close: leave,
  };
}
