/** Checks the page against recorded messages. Python's tests read the same files, so that the ends stay compatible. */

import { describe, expect, it } from "vitest";

import { isOpId } from "../src/client/op-ids";
import { encode, parse } from "../src/client/protocol";
import { fromClient, type FromServer, fromServer, textOf } from "./recorded-messages";

function withoutMessage({ badValue, unknown, gatewayError }: FromServer) {
  if (badValue) return { type: "counter-update", value: undefined };
  if (unknown) return { type: "unknown" };
  return { type: "error", code: gatewayError ? "gateway" : "unreadable" };
}

it("finds the recorded messages", () => {
  expect(fromServer.length).toBeGreaterThan(10);
});

describe.each(fromServer)("from the server: $name", (frame) => {
  it("reads each recorded message of the server", () => {
    expect(parse(textOf(frame))).toMatchObject(frame.message ?? withoutMessage(frame));
    expect(parse(textOf(frame)).id).toBe(frame.id);
  });
});

it("writes messages that the server accepts", () => {
  const taken = fromClient.filter((frame) => frame.request !== undefined);
  const id = taken.find((frame) => frame.id !== undefined)?.id ?? "";
  expect(taken.map(textOf)).toContain(encode({ action: "increment", id }));
  expect(taken.map(textOf)).toContain(encode({ action: "get-current" }));
});

it.each(fromClient.filter((frame) => frame.error === "bad-id"))("rejects an op id that the server rejects: $name", (frame) => {
  const { id } = JSON.parse(textOf(frame)) as { id: unknown };
  expect(typeof id === "string" && isOpId(id)).toBe(false);
});
