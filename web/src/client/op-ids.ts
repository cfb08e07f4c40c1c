/** Op ids, `<session>:<sequence>`: the name under which the server counts a click once, however often it is sent. */

const OP_ID = /^[A-Za-z0-9_-]{16,64}:[1-9]\d{0,14}$/u;

export function isOpId(text: string): boolean {
  return OP_ID.test(text);
}

/**
 * A session of its own for every load of the page, of 128 random bits: a tab that was duplicated or loaded again
 * must never give an id to two different clicks.
 */
export function createSession(random: Pick<Crypto, "getRandomValues"> = crypto): string {
  return Array.from(random.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
