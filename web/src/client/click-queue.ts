/** The pending clicks: not acknowledged by the server yet. The oldest is first, and each has its op id. */

import { createSession } from "./op-ids";
import { type Click, createPendingStorage, type PendingStorage } from "./pending-storage";

/** Most clicks that may be pending. */
export const QUEUE_LIMIT = 100;

const HOUR_MS = 60 * 60_000;

/**
 * Highest age at which a click may be sent. The server stores an op id for 24 hours and would count it again after
 * that. The hour of difference allows for a clock that is adjusted while the click is pending.
 */
export const MAX_CLICK_AGE_MS = 23 * HOUR_MS;

/** A bounded queue of pending clicks. Every change is saved to the storage. */
export interface ClickQueue {
  /** Number of pending clicks, including those in flight. */
  readonly size: number;
  /** Whether the queue has QUEUE_LIMIT clicks. */
  readonly full: boolean;
  /** Number of clicks that were taken and have been neither removed nor released. */
  readonly inFlight: number;
  /** Op id of the click in flight if there is exactly one. */
  readonly onlyInFlight: string | undefined;
  /** Adds a new click. Returns false if the queue is full. */
  add: () => boolean;
  /** Adds the clicks that other pages of this tab left in the storage. */
  restore: () => void;
  /** Puts the oldest waiting click in flight. Returns its op id, or undefined if no click waits. */
  take: () => string | undefined;
  /** Makes a click in flight wait again; without an id, all of them. */
  release: (id?: string) => void;
  /** Removes a click, because the server has decided on it. Returns false if it was not pending. */
  remove: (id: string) => boolean;
  /** Removes the clicks that are too old to be sent. Returns how many. */
  expire: () => number;
}

/** Replacements for what the browser provides. */
export interface ClickQueueOptions {
  /** First part of each op id. */
  session?: string;
  /** Milliseconds since the epoch. Not a monotonic clock, because a click's age must survive a reload. */
  date?: () => number;
  storage?: PendingStorage;
}

/** Creates an empty queue; restore() fills it. */
export function createClickQueue({
  session = createSession(),
  date = Date.now,
  storage = createPendingStorage(session, () => sessionStorage),
}: ClickQueueOptions = {}): ClickQueue {
  // A Map iterates in the order of insertion, so the oldest click is first.
  const clicks = new Map<string, Click>();
  const inFlight = new Set<string>();
  let sequence = 0;

  const save = () => storage.save([...clicks.values()]);
  const put = (click: Click) => clicks.set(click.id, click);

  function remove(id: string): boolean {
    inFlight.delete(id);
    return clicks.delete(id);
  }

  return {
    get size() {
      return clicks.size;
    },
    get full() {
      return clicks.size >= QUEUE_LIMIT;
    },
    get inFlight() {
      return inFlight.size;
    },
    get onlyInFlight() {
      return inFlight.size === 1 ? [...inFlight][0] : undefined;
    },
    add() {
      if (clicks.size >= QUEUE_LIMIT) return false;
      sequence += 1;
      put({ id: `${session}:${sequence}`, createdAt: date() });
      save();
      return true;
    },
    restore() {
      const restored = storage.restore();
      if (restored.length === 0) return;
      restored.forEach(put);
      save();
    },
    take() {
      for (const id of clicks.keys()) {
        if (!inFlight.has(id)) {
          inFlight.add(id);
          return id;
        }
      }
      return undefined;
    },
    release(id) {
      if (id === undefined) inFlight.clear();
      else inFlight.delete(id);
    },
    remove(id) {
      const wasPending = remove(id);
      if (wasPending) save();
      return wasPending;
    },
    expire() {
      const now = date();
      // A click from the future was made before the clock was set back, so its age is unknown.
      const expired = [...clicks.values()].filter(
        ({ createdAt }) => now - createdAt > MAX_CLICK_AGE_MS || createdAt - now > HOUR_MS,
      );
      for (const { id } of expired) remove(id);
      if (expired.length > 0) save();
      return expired.length;
    },
  };
}
