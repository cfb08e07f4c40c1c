/** The connection's times, in milliseconds. config.json may set the first three: see web/README.md. */

export interface Times {
  /** The mean pause before a lost connection is made again. */
  reconnectMs: number;
  /** How long a click or a heartbeat may go without its answer before the connection counts as dead. */
  acknowledgeMs: number;
  /** How long the page believes a number that nothing has confirmed. */
  heartbeatMs: number;
}

/**
 * A heartbeat is two messages, $2 per million. Only quiet pages that somebody can see send one a minute, which
 * is $2.88 a day for a thousand of them, and bounds how long a lost broadcast leaves a wrong number on the screen.
 */
export const TIMES: Times = { reconnectMs: 3000, acknowledgeMs: 5000, heartbeatMs: 60_000 };

/** The longest pause between two attempts. */
export const RECONNECT_CAP = 10; // times reconnectMs

/** A connection that lived shorter counts as one more failure, or a server that hangs up would be hammered. */
export const STABLE = 3; // times reconnectMs

/** After so many failures in a row the page asks whether the server has moved. */
export const UNREACHABLE = 3;

/** A handshake goes there and back more than once. Browsers themselves give up after minutes. */
export const HANDSHAKE = 2; // times acknowledgeMs

/** API Gateway closes after 10 minutes of silence. Also the heartbeat of a page that nobody sees. */
export const KEEP_ALIVE_MS = 5 * 60_000;

/** API Gateway closes after 2 hours, so a page moves earlier: between these two, or a room of them moves at once. */
export const MOVE_FROM_MS = 105 * 60_000;
export const MOVE_TO_MS = 115 * 60_000;

/** A move that failed is tried again while the old connection lasts. */
export const MOVE_AGAIN_MS = 60_000;
