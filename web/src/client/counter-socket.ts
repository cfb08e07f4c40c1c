/** The connection: one link at a time, replaced when it ends and before it must. Knows nothing of React. */

import { backoff, browserClock, type Clock } from "./clock";
import { createLink, type Link, type LinkEnd, type SocketConstructor } from "./connection";
import { browserPage, type Page, type PageEvent } from "./page";
import type { ClientMessage, ServerMessage } from "./protocol";
import {
  DEFAULT_TIMES,
  MAX_BACKOFF_FACTOR,
  MIN_UPTIME_FACTOR,
  ROTATE_AFTER_MAX_MS,
  ROTATE_AFTER_MIN_MS,
  ROTATE_RETRY_MS,
  type Times,
  UNREACHABLE_AFTER_FAILURES,
} from "./times";

/** "waiting" is the pause before the next attempt; "closed" is not started, stopped, or a page put away. */
export type ConnectionState = "connecting" | "open" | "waiting" | "closed";

export interface CounterSocketOptions {
  url: string;
  /**
   * "open" comes again with each link that takes over: one that has been asked for nothing but the value.
   * "waiting" comes with how long that will be.
   */
  onState: (state: ConnectionState, delayMs?: number) => void;
  /** With the time from the request that it answers, where it does. */
  onMessage: (message: ServerMessage, roundTripMs: number | undefined) => void;
  /** Attempts go on failing: perhaps the server is at this address no more. Comes with each one. */
  onUnreachable?: (() => void) | undefined;
  WebSocket?: SocketConstructor | undefined;
  clock?: Clock | undefined;
  page?: Page | undefined;
  times?: Times | undefined;
}

export interface CounterSocket {
  start: () => void;
  stop: () => void;
  /** Sends when the connection is open; returns whether it did. */
  send: (message: ClientMessage) => boolean;
}

export function createCounterSocket({
  url,
  onState,
  onMessage,
  onUnreachable,
  WebSocket = globalThis.WebSocket,
  clock = browserClock,
  page = browserPage,
  times = DEFAULT_TIMES,
}: CounterSocketOptions): CounterSocket {
  let state: ConnectionState = "closed";
  let link: Link | undefined;
  /** The link that is to take over, while it is made. */
  let successor: Link | undefined;
  let failures = 0;
  let cancelRetry: (() => void) | undefined;
  let cancelMove: (() => void) | undefined;
  let unsubscribe: (() => void) | undefined;

  // Always the last step of a transition: the listener may call start() or stop().
  function enter(next: ConnectionState, delayMs?: number) {
    if (state === next && next !== "open") return;
    state = next;
    onState(next, delayMs);
  }

  function make(): Link {
    const made: Link = createLink({
      url,
      WebSocket,
      clock,
      page,
      times,
      onOpen() {
        if (made === link) opened();
      },
      onMessage(message, roundTripMs) {
        // Not when it opens: only now has it shown that it works.
        if (made === successor && message.type === "counter-update") takeOver();
        onMessage(message, roundTripMs);
      },
      onEnd(how) {
        if (made === link) lost(how);
        else moveAfter(ROTATE_RETRY_MS);
      },
    });
    return made;
  }

  function connect() {
    cancelRetry?.();
    try {
      link = make();
    } catch {
      retryAfter(pause());
      return;
    }
    enter("connecting");
  }

  function opened() {
    moveAfter(ROTATE_AFTER_MIN_MS + (ROTATE_AFTER_MAX_MS - ROTATE_AFTER_MIN_MS) * clock.random());
    enter("open");
  }

  function lost(how: LinkEnd) {
    const openedAt = link?.openedAt;
    cancelMove?.();
    link = undefined;
    if (successor !== undefined) {
      takeOver();
      return;
    }
    if (openedAt !== undefined && clock.now() - openedAt >= MIN_UPTIME_FACTOR * times.reconnectMs) failures = 0;
    // Nothing says that the server is down when only an answer is missing.
    const atOnce = how === "silent" && openedAt !== undefined && failures === 0;
    const delayMs = pause();
    if (atOnce) connect();
    else retryAfter(delayMs);
  }

  function pause(): number {
    const delayMs = backoff(failures, times.reconnectMs, MAX_BACKOFF_FACTOR * times.reconnectMs, clock.random);
    failures += 1;
    return delayMs;
  }

  function retryAfter(delayMs: number) {
    cancelRetry = clock.schedule(connect, delayMs);
    enter("waiting", delayMs);
    if (failures >= UNREACHABLE_AFTER_FAILURES) onUnreachable?.();
  }

  function moveAfter(delayMs: number) {
    successor = undefined;
    cancelMove?.();
    cancelMove = clock.schedule(move, delayMs);
  }

  function move() {
    try {
      successor = make();
    } catch {
      moveAfter(ROTATE_RETRY_MS);
    }
  }

  function takeOver() {
    link?.close();
    link = successor;
    successor = undefined;
    if (link?.openedAt === undefined) enter("connecting");
    else opened();
  }

  function leave() {
    cancelRetry?.();
    cancelMove?.();
    link?.close();
    successor?.close();
    link = successor = undefined;
    enter("closed");
  }

  function onPage(event: PageEvent) {
    if (event === "pagehide") leave();
    else if (event === "pageshow" && state === "closed") connect();
    else if (event !== "offline" && state === "waiting") connect();
    else link?.check();
  }

  return {
    start() {
      if (unsubscribe !== undefined) return;
      unsubscribe = page.subscribe(onPage);
      connect();
    },
    stop() {
      unsubscribe?.();
      unsubscribe = undefined;
      leave();
    },
    send: (message) => link?.send(message) ?? false,
  };
}
