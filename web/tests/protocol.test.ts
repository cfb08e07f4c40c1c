import { expect, it } from "vitest";

import { encode, parse } from "../src/client/protocol";

it("writes get-current, and an increment with its op id", () => {
  expect(encode({ action: "get-current" })).toBe('{"action":"get-current"}');
  expect(encode({ action: "increment", id: "session:1" })).toBe('{"action":"increment","id":"session:1"}');
});

it.each([
  ['{"type":"counter-update","value":42}', 42],
  ['{"type":"counter-update","value":0}', 0],
  ['{"type":"counter-update","value":9007199254740991}', Number.MAX_SAFE_INTEGER],
  ['{"type":"counter-update","value":1e3}', 1000],
  ['{"type":"counter-update","value":7,"id":7}', 7],
  ['{"type":"counter-update","value":7,"id":""}', 7],
  ['{"value":7,"later":{"field":[]},"type":"counter-update"}', 7],
  [' {\n"type": "counter-update", "value": 7}\n', 7],
  ['{"type":"counter-update","value":7,"message":"hello"}', 7],
])("reads the update %s", (frame, value) => {
  expect(parse(frame)).toEqual({ type: "counter-update", value });
});

it.each([
  ['{"type":"error","code":"bad-request","message":"Not JSON."}', "bad-request", "Not JSON."],
  ['{"type":"error","code":"c","message":"m","id":null,"extra":1}', "c", "m"],
  ['{"type":"error","code":"c","message":"m","value":3}', "c", "m"],
])("reads the error %s", (frame, code, message) => {
  expect(parse(frame)).toEqual({ type: "error", code, message });
});

it.each([
  '{"type":"counter-update","value":7,"id":"session:1"}',
  '{"type":"error","code":"busy","message":"m","id":"session:1"}',
])("reads the op id of the response %s", (frame) => {
  expect(parse(frame)).toEqual(JSON.parse(frame));
});

it.each([
  ['{"message": "Internal server error", "connectionId":"a=", "requestId":"b="}', "Internal server error"],
  ['{"message": "Endpoint request timed out", "connectionId":"a=", "requestId":"b="}', "Endpoint request timed out"],
  ['{"message":"Too Many Requests"}', "Too Many Requests"],
])("reads a message of API Gateway itself as a gateway error: %s", (frame, words) => {
  expect(parse(frame)).toEqual({ type: "error", code: "gateway", message: `The gateway reported “${words}”.` });
});

it.each([
  ["no JSON", "Internal server error"],
  ["nothing", ""],
  ["cut JSON", '{"type":"counter-update","value":4'],
  ["null", "null"],
  ["a number", "42"],
  ["a string", '"counter-update"'],
  ["an array", "[]"],
  ["an array of messages", '[{"type":"counter-update","value":1}]'],
  ["an empty object", "{}"],
  ["a type that is not text", '{"type":1,"value":1}'],
  ["a type of null", '{"type":null,"message":"hello"}'],
  ["a value and no type", '{"value":1}'],
  ["an error without a message", '{"type":"error","code":"c"}'],
  ["an error without a code", '{"type":"error","message":"m"}'],
  ["an error with an empty message", '{"type":"error","code":"c","message":""}'],
  ["an error with a number for a code", '{"type":"error","code":500,"message":"m"}'],
  ["a gateway message that is not text", '{"message":{"text":"hello"}}'],
  ["deep nesting", "[".repeat(100_000)],
  ["a binary frame", new ArrayBuffer(8)],
  ["an absent frame", undefined],
])("reads %s as an unreadable message", (_case, frame) => {
  expect(parse(frame)).toEqual({
    type: "error",
    code: "unreadable",
    message: "The server sent a message that this page does not understand.",
  });
});

it.each([
  ["no value", '{"type":"counter-update"}'],
  ["a value of null", '{"type":"counter-update","value":null}'],
  ["a value in quotes", '{"type":"counter-update","value":"42"}'],
  ["a negative value", '{"type":"counter-update","value":-1}'],
  ["a fraction", '{"type":"counter-update","value":1.5}'],
  ["a value beyond the safe integers", '{"type":"counter-update","value":9007199254740992}'],
  ["a value beyond the doubles", '{"type":"counter-update","value":1e999}'],
  ["an array for a value", '{"type":"counter-update","value":[1]}'],
])("reads an update without a value from one with %s", (_case, frame) => {
  expect(parse(frame)).toEqual({ type: "counter-update", value: undefined });
});

it("reads the op id of an update whose value it cannot use", () => {
  const frame = '{"type":"counter-update","value":9007199254740992,"id":"session:1"}';
  expect(parse(frame)).toEqual({ type: "counter-update", value: undefined, id: "session:1" });
});

it.each([
  ["a message of another type", '{"type":"presence","value":1,"id":"session:1"}', "presence"],
  ["a message of another type with a message", '{"type":"presence","message":"hello"}', "presence"],
  ["a type in another case", '{"type":"Counter-Update","value":1}', "Counter-Update"],
])("reads %s as unknown", (_case, frame, name) => {
  expect(parse(frame)).toEqual({ type: "unknown", name });
});
