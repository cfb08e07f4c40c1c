/** The messages that Python's tests read too, so that the two ends cannot drift apart. */

import { describe, expect, it } from "vitest";

import { encode, parse } from "../src/counter/protocol";

interface Frame {
  name: string;
  text?: string;
  parts?: [string, number][];
}
interface FromServer extends Frame {
  message?: { type: string };
  gatewayError?: boolean;
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

// Raw, for the bundler's own JSON reader refuses the lone surrogates that a client may well send.
const files = import.meta.glob<string>("../../tests/wire/*.json", {
  eager: true,
  import: "default",
  query: "?raw",
});
const wires = Object.values(files).map((text) => JSON.parse(text) as Wire);

const textOf = ({ text, parts = [] }: Frame) =>
  text ?? parts.map(([part, count]) => part.repeat(count)).join("");

it("finds the messages", () => {
  expect(wires.flatMap((wire) => wire.serverToClient).length).toBeGreaterThan(10);
});

describe.each(wires.flatMap((wire) => wire.serverToClient))("from the server: $name", (frame) => {
  it("reads what the server sends", () => {
    const unread = { type: "error", code: frame.gatewayError ? "gateway" : "unreadable" };
    expect(parse(textOf(frame))).toMatchObject(frame.message ?? unread);
  });
});

it("writes what the server takes", () => {
  const taken = wires
    .flatMap((wire) => wire.clientToServer)
    .filter((frame) => frame.request !== undefined)
    .map(textOf);
  expect(taken).toContain(encode({ action: "increment" }));
  expect(taken).toContain(encode({ action: "get-current" }));
});
