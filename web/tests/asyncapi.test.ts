/** Checks docs/asyncapi.yaml against AsyncAPI 3, and the recorded messages against docs/asyncapi.yaml. */

import specification from "@asyncapi/specs/schemas/3.0.0-without-$id.json";
import Ajv from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import text from "../../docs/asyncapi.yaml?raw";
import { fromClient, fromServer, textOf } from "./recorded-messages";

const document: unknown = parse(text);

// Not strict, because AsyncAPI adds keywords of its own around the payloads.
const ajv = new Ajv({ strict: false, validateFormats: false, validateSchema: false });
ajv.addSchema(document as object, "asyncapi");

const REQUESTS = ["increment", "getCurrent"];
const RESPONSES = ["counterUpdate", "error"];

/** Those of the named messages whose payload matches the frame. */
function matches(names: string[], frame: string): string[] {
  let payload: unknown;
  try {
    payload = JSON.parse(frame);
  } catch {
    return [];
  }
  return names.filter((name) => ajv.validate({ $ref: `asyncapi#/components/messages/${name}/payload` }, payload));
}

it("validates asyncapi.yaml against the schema of AsyncAPI 3", () => {
  ajv.validate(specification, document);
  expect(ajv.errors).toBeNull();
});

it("rejects an asyncapi.yaml with a planted mistake", () => {
  const mistaken = parse(text.replace("action: receive", "action: listen")) as unknown;
  expect(ajv.validate(specification, mistaken)).toBe(false);
});

// A schema cannot limit the bytes of a message.
describe.each(fromClient.filter(({ error }) => error !== "too-large"))("from a client: $name", (frame) => {
  it("matches a message of asyncapi.yaml only if the server accepts the request", () => {
    const name = frame.request === "get-current" ? "getCurrent" : frame.request;
    expect(matches(REQUESTS, textOf(frame))).toEqual(name === undefined ? [] : [name]);
  });
});

describe.each(fromServer)("from the server: $name", (frame) => {
  it("matches the message of asyncapi.yaml that the server sends, and no other", () => {
    const described = frame.lenient ? undefined : frame.message?.type;
    const name = described === "counter-update" ? "counterUpdate" : described;
    expect(matches(RESPONSES, textOf(frame))).toEqual(name === undefined ? [] : [name]);
  });
});
