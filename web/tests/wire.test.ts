/** Checks the page against recorded messages. Python's tests read the same files, so that the ends stay compatible. */

import { describe, expect, it } from "vitest";

import { isOpId } from "../src/client/op-ids";
import { encode, parse } from "../src/client/protocol";

interface Frame {
  name: string;
  text?: string;
  parts?: [string, number][];
  /** Op id of the increment that the frame is, or responds to. */
  id?: string;
}
interface FromServer extends Frame {
  message?: { type: string };
  gatewayError?: boolean;
  badValue?: boolean;
  unknown?: boolean;
  invalid?: boolean;
}
interface FromClient extends Frame {
  request?: string;
  error?: string;
}
interface Wire {
  clientToServer: FromClient[];
  serverToClient: FromServer[];
}

// Raw, because the bundler's own JSON reader rejects lone surrogates, which a client may send.
const files = import.meta.glob<string>("../../tests/wire/*.json", { eager: true, import: "default", query: "?raw" });
const wires = Object.values(files).map((text) => JSON.parse(text) as Wire);

const textOf = ({ text, parts = [] }: Frame) =>
  text ?? parts.map(([part, count]) => part.repeat(count)).join("");

function withoutMessage({ badValue, unknown, gatewayError }: FromServer) {
  if (badValue) return { type: "counter-update", value: undefined };
  if (unknown) return { type: "unknown" };
  return { type: "error", code: gatewayError ? "gateway" : "unreadable" };
}

it("finds the recorded messages", () => {
  expect(wires.flatMap((wire) => wire.serverToClient).length).toBeGreaterThan(10);
});

describe.each(wires.flatMap((wire) => wire.serverToClient))("from the server: $name", (frame) => {
  it("reads each recorded message of the server", () => {
    expect(parse(textOf(frame))).toMatchObject(frame.message ?? withoutMessage(frame));
    expect(parse(textOf(frame)).id).toBe(frame.id);
  });
});

const fromClient = wires.flatMap((wire) => wire.clientToServer);

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
