/** Recovery of a page whose content security policy forbids its server's address. */

import { browserClock, type Clock } from "./clock";

/**
 * Shortest and longest time from a violation to the reload. It is random in this range, so that many pages do not
 * reload at once. It is at least a minute, because CloudFront needs minutes to distribute a new policy.
 */
export const RELOAD_AFTER_MIN_MS = 60_000;
export const RELOAD_AFTER_MAX_MS = 90_000;

/** The fields of a SecurityPolicyViolationEvent that say what was blocked. */
type Violation = Pick<SecurityPolicyViolationEvent, "blockedURI" | "disposition" | "effectiveDirective">;

/** The parts that the recovery uses. */
export interface PolicyOptions {
  /** The address that the page connects to. */
  url: string;
  /** Reloads the page, or does nothing if it cannot be reloaded now. The next violation then calls it again. */
  reload: () => void;
  /** Fires "securitypolicyviolation". */
  document: Pick<Document, "addEventListener">;
  clock?: Clock;
}

/**
 * Reloads the page after its content security policy has blocked the address, at most once a minute. A page keeps the
 * policy that it was loaded with, so only a reload gets the one that allows a new address.
 */
export function reloadWhenBlocked({ url, reload, document, clock = browserClock }: PolicyOptions) {
  const { href } = new URL(url);
  let scheduled = false;

  document.addEventListener("securitypolicyviolation", ({ blockedURI, disposition, effectiveDirective }: Violation) => {
    // Browsers may report only the scheme or the origin of a WebSocket's address.
    const isOurs = blockedURI !== "" && href.startsWith(blockedURI);
    if (scheduled || disposition !== "enforce" || effectiveDirective !== "connect-src" || !isOurs) return;
    scheduled = true;
    clock.schedule(
      () => {
        scheduled = false;
        reload();
      },
      RELOAD_AFTER_MIN_MS + (RELOAD_AFTER_MAX_MS - RELOAD_AFTER_MIN_MS) * clock.random(),
    );
  });
}
