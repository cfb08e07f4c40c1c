/** Times of the connection. config.json may set those in `Times`; web/README.md describes its keys. */

/** Settings with a key in config.json, in milliseconds. */
export interface Times {
  /** Mean delay before a lost connection is opened again. */
  reconnectMs: number;
  /** Shortest silence after a request that makes a connection count as dead. The page raises it on a slow link. */
  acknowledgeMs: number;
  /** Time after the last value until a visible page sends a heartbeat. */
  heartbeatMs: number;
}

/**
 * Times for keys that config.json does not have.
 *
 * A heartbeat is two messages, $2 per million. Only visible pages that receive no value send one a minute, which is
 * $2.88 a day for a thousand pages. The interval bounds how long a lost broadcast leaves a wrong value on the screen.
 */
export const DEFAULT_TIMES: Times = { reconnectMs: 3000, acknowledgeMs: 5000, heartbeatMs: 60_000 };

/** Longest delay between two attempts to connect, as a multiple of `reconnectMs`. */
export const MAX_BACKOFF_FACTOR = 10;

/**
 * Shortest lifetime of a connection that resets the backoff, as a multiple of `reconnectMs`. A shorter one counts as
 * another failure, because a server that accepts and then closes would otherwise be overloaded.
 */
export const MIN_UPTIME_FACTOR = 3;

/** Failures in a row after which the page checks whether the server has another address. */
export const UNREACHABLE_AFTER_FAILURES = 3;

/**
 * Longest silence after a request, without jitter. API Gateway responds within 29 s, with an error of its own at
 * the latest, so the rest is the link's.
 */
export const MAX_RESPONSE_MS = 60_000;

/**
 * Longest handshake, as a multiple of the longest silence, because it takes more than one round trip. Browsers
 * themselves give up only after minutes.
 */
export const HANDSHAKE_TIMEOUT_FACTOR = 2;

/**
 * Longest wait for a response while other frames arrive, as a multiple of the longest silence. These prove that the
 * server is alive, but a connection may have lost its other direction.
 */
export const OWN_RESPONSE_FACTOR = 2;

/** Longest time without sending. API Gateway closes idle connections after 10 minutes. Hidden pages use only this. */
export const KEEP_ALIVE_MS = 5 * 60_000;

/**
 * Lowest age at which a connection is replaced. The age is random in a range, so that many pages do not reconnect at
 * once.
 */
export const ROTATE_AFTER_MIN_MS = 105 * 60_000;

/**
 * Highest age at which a connection is replaced. It must leave time for a retry before API Gateway closes the
 * connection at 2 hours and before its row expires: CONNECTION_TTL_SECONDS in counter_service/runtime/core/ports.py.
 */
export const ROTATE_AFTER_MAX_MS = 115 * 60_000;

/** Delay before a failed replacement is retried. The old connection stays in use. */
export const ROTATE_RETRY_MS = 60_000;
