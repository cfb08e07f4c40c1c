/** The token of who opened the page, for stacks that ask for one. A sign-in page hands it over in #token=… */

import type { Config } from "./config";

const NAME = "token";

export interface Browser {
  location: Pick<Location, "pathname" | "search" | "hash">;
  history: Pick<History, "replaceState">;
  /** Read late: where storage is blocked, even naming it throws. */
  sessionStorage: Pick<Storage, "getItem" | "removeItem" | "setItem">;
}

/**
 * Takes the token out of the address, where it would be copied, bookmarked and kept in the history, and keeps
 * it for as long as the tab lives. An empty one forgets the one kept.
 */
export function takeToken(browser: Browser): string | undefined {
  const { pathname, search, hash } = browser.location;
  const fragment = new URLSearchParams(hash.slice(1));
  const given = fragment.get(NAME);
  if (given === null) return kept(browser);

  fragment.delete(NAME);
  const rest = fragment.size > 0 ? `#${fragment}` : "";
  browser.history.replaceState(null, "", pathname + search + rest);
  keep(browser, given);
  return given || undefined;
}

/** The configuration with the token in the WebSocket's address: the one place where a page can put it. */
export function withToken(config: Config, token: string | undefined): Config {
  if (token === undefined || "problem" in config) return config;
  const url = new URL(config.webSocketUrl);
  url.searchParams.set(NAME, token);
  return { ...config, webSocketUrl: url.href };
}

function kept(browser: Browser): string | undefined {
  try {
    return browser.sessionStorage.getItem(NAME) ?? undefined;
  } catch {
    return undefined;
  }
}

function keep(browser: Browser, token: string) {
  try {
    if (token) browser.sessionStorage.setItem(NAME, token);
    else browser.sessionStorage.removeItem(NAME);
  } catch {
    // Then it serves this visit alone.
  }
}
