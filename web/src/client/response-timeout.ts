/** How long a connection may be silent while a response is due, learned from the link's own round trips. */

import type { Clock } from "./clock";
import { HANDSHAKE_TIMEOUT_FACTOR, MAX_RESPONSE_MS } from "./times";

/** Longest silence, as a multiple of the slowest round trip. */
const MARGIN = 2;

/** Longest silence before the first response, as a multiple of the shortest timeout, because the link has not been measured yet. */
const UNMEASURED_FACTOR = 3;

/** Greatest part that is added at random, so that pages whose requests were sent together do not reconnect together. */
const JITTER = 0.5;

/** Time after which a slow round trip has half of its effect, if the later ones are fast. */
export const HALF_LIFE_MS = 5 * 60_000;

/** The timeout of one link. It outlives connections: the next one starts with what the last one needed. */
export interface ResponseTimeout {
  /** Longest silence in milliseconds while a response is due. */
  readonly silenceMs: number;
  /** Longest handshake in milliseconds. */
  readonly handshakeMs: number;
  /** A handshake took that long, which is at least one round trip. */
  connected: (handshakeMs: number) => void;
  /**
   * A response arrived. `isOwn` is false if it may be a broadcast that arrived before a slower response. It can then
   * raise the timeout, but not lower it.
   */
  measured: (roundTripMs: number, isOwn: boolean) => void;
  /** Nothing arrived in time. The timeout doubles until the next response that is certainly one. */
  expired: () => void;
}

/** Creates the timeout of a link that was never used. It is never shorter than `shortestMs`. */
export function createResponseTimeout(shortestMs: number, { now, random }: Pick<Clock, "now" | "random">): ResponseTimeout {
  const longestMs = Math.max(shortestMs, MAX_RESPONSE_MS);
  let slowestMs = (UNMEASURED_FACTOR / MARGIN) * shortestMs;
  /** When `slowestMs` was last raised or lowered; undefined before the first response. */
  let changedAt: number | undefined;
  /** The last handshake. */
  let openedInMs = 0;
  let failures = 0;
  let jitter = 1 + JITTER * random();

  /** The timeout after at least that much growth. */
  function limit(growth: number): number {
    const mean = Math.max(shortestMs, MARGIN * slowestMs) * Math.max(growth, 2 ** failures);
    return Math.min(mean, longestMs) * jitter;
  }

  function change(ms: number) {
    slowestMs = ms;
    changedAt = now();
  }

  return {
    get silenceMs() {
      return limit(1);
    },
    get handshakeMs() {
      return limit(HANDSHAKE_TIMEOUT_FACTOR);
    },
    connected(handshakeMs) {
      openedInMs = Math.min(handshakeMs, limit(HANDSHAKE_TIMEOUT_FACTOR));
      // `changedAt` stays unset: only a response shows whether the server is as fast as the handshake was.
      slowestMs = Math.max(slowestMs, openedInMs);
    },
    measured(roundTripMs, isOwn) {
      // A longer round trip means that the page was suspended meanwhile, so the excess is not the link's time.
      const ms = Math.min(roundTripMs, limit(1));
      if (isOwn) failures = 0;
      if (changedAt === undefined) {
        change(Math.max(ms, openedInMs));
      } else if (ms > slowestMs) {
        change(ms);
      } else if (isOwn) {
        change(ms + (slowestMs - ms) * 2 ** ((changedAt - now()) / HALF_LIFE_MS));
      }
    },
    expired() {
      failures += 1;
      jitter = 1 + JITTER * random();
    },
  };
}
