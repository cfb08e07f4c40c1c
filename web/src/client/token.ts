/** The user's token, for stacks that require one. A sign-in page passes it in the fragment `#token=…`. */

import type { Config } from "./config";

// Name of the fragment field, of the sessionStorage key and of the query parameter. All three are public.
const NAME = "token";

/** The part of `window` that holds a token. */
export interface Browser {
  location: Pick<Location, "pathname" | "search" | "hash">;
  history: Pick<History, "replaceState">;
  /** Read late, because the getter throws where storage is blocked. */
  sessionStorage: Pick<Storage, "getItem" | "removeItem" | "setItem">;
}

/**
 * Moves the token from the address to sessionStorage, because an address is copied, bookmarked and kept in the history.
 *
 * Returns the new token, or else the stored one, or else undefined. An empty token deletes the stored one.
 */
export function takeToken(browser: Browser): string | undefined {
  const { pathname, search, hash } = browser.location;
  const fragment = new URLSearchParams(hash.slice(1));
  const given = fragment.get(NAME);
  if (given === null) return load(browser);

  fragment.delete(NAME);
  const rest = fragment.size > 0 ? `#${fragment}` : "";
  browser.history.replaceState(null, "", pathname + search + rest);
  save(browser, given);
  return given || undefined;
}

/** Adds the token to the WebSocket's address, because a page cannot set headers on a WebSocket. */
export function withToken(config: Config, token: string | undefined): Config {
  if (token === undefined || "problem" in config) return config;
  const url = new URL(config.webSocketUrl);
  url.searchParams.set(NAME, token);
  return { ...config, webSocketUrl: url.href };
}

function load(browser: Browser): string | undefined {
  try {
    return browser.sessionStorage.getItem(NAME) ?? undefined;
  } catch {
    return undefined;
  }
}

function save(browser: Browser, token: string) {
  try {
    if (token) browser.sessionStorage.setItem(NAME, token);
    else browser.sessionStorage.removeItem(NAME);
  } catch {
    // Storage is blocked: the token lasts until the page is left.
  }
}
