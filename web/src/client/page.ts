/** Events of the browser that a connection reacts to. */

/**
 * - pagehide: the page is left. It may enter the back/forward cache, but not with an open WebSocket
 * - pageshow: the page is shown, for the first time or again
 * - resumed: the network came back, or the page became visible: check the connection now
 * - offline: the browser reports that there is no network, which may be wrong
 */
export type PageEvent = "pagehide" | "pageshow" | "resumed" | "offline";

/** The page as the connection sees it; a test passes its own. */
export interface Page {
  /** Whether the page is invisible: another tab is in front, or the window is minimised. */
  readonly hidden: boolean;
  /** Calls the listener with each event, until the returned function is called. */
  subscribe: (listener: (event: PageEvent) => void) => () => void;
}

/** The page in the browser. Needs `window` and `document`. */
export const browserPage: Page = {
  get hidden() {
    return document.hidden;
  },
  subscribe(listener) {
    const controller = new AbortController();
    const on = (target: EventTarget, type: string, handle: () => void) =>
      target.addEventListener(type, handle, { signal: controller.signal });
    on(window, "pagehide", () => listener("pagehide"));
    on(window, "pageshow", () => listener("pageshow"));
    on(window, "offline", () => listener("offline"));
    on(window, "online", () => listener("resumed"));
    on(document, "visibilitychange", () => {
      if (!document.hidden) listener("resumed");
    });
    return () => controller.abort();
  },
};
