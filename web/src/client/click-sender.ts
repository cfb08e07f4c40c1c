/** Sends the pending clicks, a few at a time, until each one is acknowledged or given up. */

import { backoff, type Clock } from "./clock";
import type { ClickQueue } from "./click-queue";
import type { ClientMessage } from "./protocol";

/**
 * How many clicks are on their way at once. The server counts in one row, where clicks at the same time hinder each
 * other: four hide the way there and back, and a hundred would only meet themselves.
 */
export const WINDOW = 4;

const PAUSE_MS = 500;
const PAUSE_CAP_MS = 15_000;

export interface ClickSender {
  /** Postponements since a click came through. */
  readonly troubles: number;
  /** False when the queue is full. */
  click: () => boolean;
  /** There is a connection that knows of nothing sent before. */
  connected: () => void;
  disconnected: () => void;
  acknowledged: (id: string) => void;
  /** Not counted as far as is known: it is sent again under its id, later. Without an id, all on their way. */
  postponed: (id?: string) => void;
  /** It will never count: it is not sent again. Without an id it is found by sending one at a time. */
  refused: (id?: string) => void;
}

export interface ClickSenderOptions {
  queue: ClickQueue;
  /** Returns whether it was sent. */
  send: (message: ClientMessage) => boolean;
  clock: Clock;
  /** So many clicks were given up, because they are too old or the server refused them. */
  onGivenUp: (clicks: number) => void;
}

export function createClickSender({ queue, send, clock, onGivenUp }: ClickSenderOptions): ClickSender {
  let troubles = 0;
  let cancelPause: (() => void) | undefined;

  function pump() {
    const expired = queue.expire();
    if (expired > 0) onGivenUp(expired);
    if (cancelPause !== undefined) return;
    // After trouble one at a time, until one comes through.
    const room = troubles === 0 ? WINDOW : 1;
    while (queue.inFlight < room) {
      const id = queue.take();
      if (id === undefined) return;
      if (!send({ action: "increment", id })) {
        queue.release(id);
        return;
      }
    }
  }

  function endPause() {
    cancelPause?.();
    cancelPause = undefined;
  }

  function postpone(id?: string) {
    queue.release(id);
    // The answers to all that was on its way are one trouble, not one for each.
    if (cancelPause !== undefined) return;
    troubles += 1;
    cancelPause = clock.schedule(
      () => {
        endPause();
        pump();
      },
      backoff(troubles, PAUSE_MS, PAUSE_CAP_MS, clock.random),
    );
  }

  return {
    get troubles() {
      return troubles;
    },
    click() {
      const added = queue.add();
      pump();
      return added;
    },
    connected() {
      queue.release();
      pump();
    },
    disconnected() {
      queue.release();
      endPause();
    },
    acknowledged(id) {
      // During a pause it answers what was sent before the trouble, and says nothing about now.
      if (queue.settle(id) && cancelPause === undefined) troubles = 0;
      pump();
    },
    postponed: postpone,
    refused(id = queue.onlyOneInFlight) {
      if (id === undefined) postpone();
      else if (queue.settle(id)) onGivenUp(1);
      pump();
    },
  };
}
