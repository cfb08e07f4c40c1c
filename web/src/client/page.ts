/** What the browser tells a page of its own life, as far as a connection has to know. */

/**
 * - hide: the page goes away, perhaps into the back/forward cache, where an open WebSocket may not go
 * - show: it is there, for the first time or again
 * - wake: the network came back, or somebody looks: a good moment to see whether the connection lives
 * - doubt: the browser believes that there is no network, which may be true
 */
export type PageEvent = "hide" | "show" | "wake" | "doubt";

export interface Page {
  /** Nobody sees it. */
  readonly hidden: boolean;
  /** Returns what ends it. */
  watch: (listener: (event: PageEvent) => void) => () => void;
}

export const browserPage: Page = {
  get hidden() {
    return document.hidden;
  },
  watch(listener) {
    const ended = new AbortController();
    const on = (target: EventTarget, type: string, tell: () => void) =>
      target.addEventListener(type, tell, { signal: ended.signal });
    on(window, "pagehide", () => listener("hide"));
    on(window, "pageshow", () => listener("show"));
    on(window, "online", () => listener("wake"));
    on(window, "offline", () => listener("doubt"));
    on(document, "visibilitychange", () => {
      if (!document.hidden) listener("wake");
    });
    return () => ended.abort();
  },
};
