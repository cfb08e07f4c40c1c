/** The clicks that the server has not acknowledged yet, oldest first. Bounded, and each with its op id. */

import { createSession } from "./op-ids";
import { type Click, createPendingStorage, type PendingStorage } from "./pending-storage";

export const QUEUE_LIMIT = 100;

/**
 * The server knows an op id for 24 hours; sent later it would count again. An hour is left for clocks that were
 * set in between.
 */
export const RESEND_WITHIN_MS = 23 * 60 * 60_000;
const CLOCK_MARGIN_MS = 60 * 60_000;

export interface ClickQueue {
  /** All of them, those on their way included. */
  readonly size: number;
  readonly full: boolean;
  /** On their way: sent, and neither acknowledged nor released. */
  readonly inFlight: number;
  readonly onlyOneInFlight: string | undefined;
  /** A new click; false when there is no room. */
  add: () => boolean;
  /** Takes over what other pages of this tab left. */
  adopt: () => void;
  /** The oldest that waits, on its way from now on. */
  take: () => string | undefined;
  /** It is on its way no more and waits again; without an id, all of them. */
  release: (id?: string) => void;
  /** It is done with; false if it was not pending. */
  settle: (id: string) => boolean;
  /** Gives up what is too old to be sent again; returns how many that were. */
  expire: () => number;
}

export interface ClickQueueOptions {
  session?: string;
  /** The date in milliseconds: it must mean the same to the page after a reload. */
  date?: () => number;
  storage?: PendingStorage;
}

export function createClickQueue({
  session = createSession(),
  date = Date.now,
  storage = createPendingStorage(session, () => sessionStorage),
}: ClickQueueOptions = {}): ClickQueue {
  // A Map keeps the order in which clicks came.
  const clicks = new Map<string, Click>();
  const onTheirWay = new Set<string>();
  let sequence = 0;

  const save = () => storage.save([...clicks.values()]);
  const put = (click: Click) => clicks.set(click.id, click);

  function forget(id: string): boolean {
    onTheirWay.delete(id);
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
      return onTheirWay.size;
    },
    get onlyOneInFlight() {
      return onTheirWay.size === 1 ? [...onTheirWay][0] : undefined;
    },
    add() {
      if (clicks.size >= QUEUE_LIMIT) return false;
      sequence += 1;
      put({ id: `${session}:${sequence}`, madeAt: date() });
      save();
      return true;
    },
    adopt() {
      const left = storage.adopt();
      if (left.length === 0) return;
      left.forEach(put);
      save();
    },
    take() {
      for (const id of clicks.keys()) {
        if (!onTheirWay.has(id)) {
          onTheirWay.add(id);
          return id;
        }
      }
      return undefined;
    },
    release(id) {
      if (id === undefined) onTheirWay.clear();
      else onTheirWay.delete(id);
    },
    settle(id) {
      const known = forget(id);
      if (known) save();
      return known;
    },
    expire() {
      const now = date();
      const old = [...clicks.values()].filter(
        ({ madeAt }) => now - madeAt > RESEND_WITHIN_MS || madeAt - now > CLOCK_MARGIN_MS,
      );
      for (const { id } of old) forget(id);
      if (old.length > 0) save();
      return old.length;
    },
  };
}
