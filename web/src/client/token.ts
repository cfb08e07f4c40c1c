/** The user's token, for stacks that require one. A sign-in page passes it in the fragment `#token=…`. */

import type { Config } from "./config";

// Name of the fragment field and of the sessionStorage key.
const NAME = "token";

/** Base64url and dots, which is all that a JSON Web Token has. A subprotocol may have all of these. */
const TOKEN = /^[\w.-]+$/u;

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
  const rest = String(fragment) && `#${fragment}`;
  browser.history.replaceState(null, "", pathname + search + rest);
  save(browser, given);
  return given || undefined;
}

/**
 * Adds the token to the subprotocols that the page offers, because a page cannot set headers on a WebSocket. API
 * Gateway allows 4,096 characters in a URL, which a token with many claims exceeds, and URLs are logged.
 *
 * Returns a problem if the token has other characters than TOKEN allows, because the WebSocket constructor would throw.
 */
export function withToken(config: Config, token: string | undefined): Config {
  if (token === undefined || "problem" in config) return config;
  if (!TOKEN.test(token)) {
    return { problem: "The token of this page has characters that no token may have. Sign in again to get a new one." };
  }
  // The server names "counter" in its response. A browser closes a connection whose response names no offer.
  return { ...config, protocols: ["counter", `bearer.${token}`] };
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
