/** Op ids, `<session>:<sequence>`: idempotency keys. The server counts each one once, however often it is sent. */

const OP_ID = /^[A-Za-z0-9_-]{16,64}:[1-9]\d{0,14}$/u;

/** Whether the server accepts the text as an op id. */
export function isOpId(text: string): boolean {
  return OP_ID.test(text);
}

/**
 * Creates the first part of an op id: 128 random bits, as 32 hexadecimal digits. Each load of the page needs its own,
 * because a tab that was duplicated or reloaded must never give one id to two clicks.
 */
export function createSession(random: Pick<Crypto, "getRandomValues"> = crypto): string {
  return Array.from(random.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
