import { expect, it } from "vitest";

import { createSession, isOpId } from "../src/client/op-ids";

it.each([
  "0123456789abcdef:1",
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-:999999999999999",
])("accepts the op id %s", (id) => {
  expect(isOpId(id)).toBe(true);
});

it.each([
  ["no sequence", "0123456789abcdef"],
  ["an empty sequence", "0123456789abcdef:"],
  ["a leading zero", "0123456789abcdef:01"],
  ["zero", "0123456789abcdef:0"],
  ["16 digits", "0123456789abcdef:1234567890123456"],
  ["a short session", "0123456789abcde:1"],
  ["a long session", `${"x".repeat(65)}:1`],
  ["another letter", "0123456789abcdé:1"],
  ["a line after it", "0123456789abcdef:1\n"],
  ["nothing", ""],
])("rejects an op id with %s", (_case, id) => {
  expect(isOpId(id)).toBe(false);
});

it("writes 128 random bits as hexadecimal digits, with leading zeros", () => {
  const session = createSession({
    getRandomValues: (bytes) => {
      (bytes as unknown as Uint8Array).set([0, 1, 15, 16, 255]);
      return bytes;
    },
  });
  expect(session).toBe("00010f10ff0000000000000000000000");
});

it("creates another session every time, which makes valid op ids", () => {
  const sessions = Array.from({ length: 1000 }, () => createSession());
  expect(new Set(sessions).size).toBe(1000);
  expect(sessions.filter((session) => !isOpId(`${session}:1`))).toEqual([]);
});
