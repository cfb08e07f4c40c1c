/** Sends the pending clicks, a few at a time, until the server acknowledges or rejects each one. */

import { backoff, type Clock } from "./clock";
import type { ClickQueue } from "./click-queue";
import type { ClientMessage } from "./protocol";

/**
 * Most clicks in flight. Concurrent clicks conflict on the server's counter row. Four in flight hide the round trip;
 * more would mostly conflict with each other.
 */
export const MAX_IN_FLIGHT = 4;

const RETRY_MS = 500;
const MAX_RETRY_MS = 15_000;

/** Moves clicks from the queue to the server. The caller reports what happens to the connection and to each click. */
export interface ClickSender {
  /** Failed sends since the last acknowledgement. Clicks in flight at the same time count once. */
  readonly consecutiveFailures: number;
  /** Adds a click and sends it if possible. Returns false if the queue is full. */
  click: () => boolean;
  /** A connection is open on which no click has been sent. */
  connected: () => void;
  /** There is no connection. */
  disconnected: () => void;
  /** The server counted the click with this op id. */
  acknowledged: (id: string) => void;
  /** The click was probably not counted: retry it later, under the same op id. Without an id, all in flight. */
  retryLater: (id?: string) => void;
  /**
   * The server will never count the click: drop it. Without an id it is the one in flight. If several are, they are
   * retried one at a time, so that the next response is about one click.
   */
  rejected: (id?: string) => void;
}

/** The parts that a sender uses, and its callback. */
export interface ClickSenderOptions {
  queue: ClickQueue;
  /** Returns whether the message was sent. */
  send: (message: ClientMessage) => boolean;
  clock: Clock;
  /** Called with the number of clicks that were dropped: too old, or rejected by the server. */
  onDropped: (clicks: number) => void;
}

/** Creates a sender that waits for connected(). */
export function createClickSender({ queue, send, clock, onDropped }: ClickSenderOptions): ClickSender {
  let consecutiveFailures = 0;
  let cancelRetry: (() => void) | undefined;

  function flush() {
    const expired = queue.expire();
    if (expired > 0) onDropped(expired);
    if (cancelRetry !== undefined) return;
    // After a failure send one at a time, until one is acknowledged.
    const limit = consecutiveFailures === 0 ? MAX_IN_FLIGHT : 1;
    while (queue.inFlight < limit) {
      const id = queue.take();
      if (id === undefined) return;
      if (!send({ action: "increment", id })) {
        queue.release(id);
        return;
      }
    }
  }

  function endRetry() {
    cancelRetry?.();
    cancelRetry = undefined;
  }

  function retryLater(id?: string) {
    queue.release(id);
    // Responses to all clicks that were in flight count as one failure.
    if (cancelRetry !== undefined) return;
    consecutiveFailures += 1;
    cancelRetry = clock.schedule(
      () => {
        endRetry();
        flush();
      },
      backoff(consecutiveFailures, RETRY_MS, MAX_RETRY_MS, clock.random),
    );
  }

  return {
    get consecutiveFailures() {
      return consecutiveFailures;
    },
    click() {
      const added = queue.add();
      flush();
      return added;
    },
    connected() {
      queue.release();
      flush();
    },
    disconnected() {
      queue.release();
      endRetry();
    },
    acknowledged(id) {
      // While a retry is scheduled, the acknowledged click was sent before the failure, so the failure still counts.
      if (queue.remove(id) && cancelRetry === undefined) consecutiveFailures = 0;
      flush();
    },
    retryLater,
    rejected(id = queue.onlyInFlight) {
      if (id === undefined) retryLater();
      else if (queue.remove(id)) onDropped(1);
      flush();
    },
  };
}
