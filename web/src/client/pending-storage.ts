/**
 * Pending clicks in sessionStorage, so that they survive a reload of the tab.
 *
 * Each load of the page writes under a key of its own and restores what other keys hold: from the page before a
 * reload, from the tab that this one is a copy of, or from a page in the back/forward cache. Two pages may therefore
 * hold the same click. Both send it with the same op id, so the server counts it once.
 */

import { isOpId } from "./op-ids";

/** A click that the server has not acknowledged. */
export interface Click {
  /** Its op id. */
  readonly id: string;
  /** When the button was pressed, in milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Keeps the pending clicks of one load of the page. Never throws. */
export interface PendingStorage {
  /** Clicks left by earlier pages in this tab. They stay under their own keys until the next save(). */
  restore: () => Click[];
  /** Replaces the stored clicks of this page, and removes the keys that restore() read. */
  save: (clicks: readonly Click[]) => void;
}

// Keys and format must not change: a page that is updated in place has to find its clicks.
const PREFIX = "counter.pending.";

/**
 * Creates the storage of a session. `storage` is called late, because reading `window.sessionStorage` throws where
 * storage is blocked. Clicks are lost with their page if storage is blocked or full.
 */
export function createPendingStorage(session: string, storage: () => Storage): PendingStorage {
  const ownKey = PREFIX + session;
  let restoredKeys: string[] = [];
  return {
    restore() {
      try {
        const store = storage();
        restoredKeys = Array.from({ length: store.length }, (_, index) => store.key(index) ?? "").filter(
          (key) => key.startsWith(PREFIX) && key !== ownKey,
        );
        return restoredKeys.flatMap((key) => read(store.getItem(key)));
      } catch {
        return [];
      }
    },
    save(clicks) {
      try {
        const store = storage();
        if (clicks.length === 0) store.removeItem(ownKey);
        else store.setItem(ownKey, JSON.stringify(clicks.map(({ id, createdAt }) => [id, createdAt])));
        for (const key of restoredKeys.splice(0)) store.removeItem(key);
      } catch {
        // The clicks then live only as long as this page.
      }
    },
  };
}

function read(text: string | null): Click[] {
  try {
    const entries: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(entries) ? entries.flatMap(readEntry) : [];
  } catch {
    return [];
  }
}

function readEntry(entry: unknown): Click[] {
  if (!Array.isArray(entry)) return [];
  const [id, createdAt] = entry as unknown[];
  return typeof id === "string" && isOpId(id) && Number.isFinite(createdAt)
    ? [{ id, createdAt: Number(createdAt) }]
    : [];
}
