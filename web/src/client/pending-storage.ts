/**
 * Clicks that are not acknowledged yet, kept in sessionStorage so that they outlive a reload of the tab.
 *
 * Each load of the page writes under a key of its own and takes over what others left: the page before a reload,
 * the tab that this one is a copy of, or a page of this tab in the back/forward cache. Two pages may so come to
 * hold the same click. Both send it under its one id, and it counts once.
 */

import { isOpId } from "./op-ids";

export interface Click {
  readonly id: string;
  /** Date.now() when the button was pressed. */
  readonly madeAt: number;
}

export interface PendingStorage {
  /** What other pages left in this tab; theirs until the next save has made it ours. */
  adopt: () => Click[];
  save: (clicks: readonly Click[]) => void;
}

const PREFIX = "counter.pending.";

/** Storage may be blocked, full or hold anything: then clicks live as long as their page. */
export function createPendingStorage(session: string, storage: () => Storage): PendingStorage {
  const own = PREFIX + session;
  let adopted: string[] = [];
  return {
    adopt() {
      try {
        const store = storage();
        adopted = Array.from({ length: store.length }, (_, index) => store.key(index) ?? "").filter(
          (key) => key.startsWith(PREFIX) && key !== own,
        );
        return adopted.flatMap((key) => read(store.getItem(key)));
      } catch {
        return [];
      }
    },
    save(clicks) {
      try {
        const store = storage();
        if (clicks.length === 0) store.removeItem(own);
        else store.setItem(own, JSON.stringify(clicks.map(({ id, madeAt }) => [id, madeAt])));
        for (const key of adopted.splice(0)) store.removeItem(key);
      } catch {
        // Then it serves this visit alone.
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
  const [id, madeAt] = entry as unknown[];
  return typeof id === "string" && isOpId(id) && Number.isFinite(madeAt) ? [{ id, madeAt: Number(madeAt) }] : [];
}
