/** The messages of the WebSocket, from and to text. Pure; see docs/asyncapi.yaml. */

/** A request. An increment may be retried with the same op id until it is acknowledged; it counts once. */
export type ClientMessage = { action: "get-current" } | { action: "increment"; id: string };

/**
 * A response or a broadcast. A response to an increment has the op id of the increment as its `id`.
 *
 * "counter-update" without a value: the server sent one that is not a whole number from 0 to 2^53 - 1. Its id still
 * says that the click was counted. "unknown" is a message of a newer server.
 */
export type ServerMessage =
  | { type: "counter-update"; value: number | undefined; id?: string }
  | { type: "error"; code: string; message: string; id?: string }
  | { type: "unknown"; name: string; id?: undefined };

const UNREADABLE: ServerMessage = {
  type: "error",
  code: "unreadable",
  message: "The server sent a message that this page does not understand.",
};

const TYPES = new Set(["counter-update", "error"]);

/** Writes a message as one text frame. */
export function encode(message: ClientMessage): string {
  return JSON.stringify(message);
}

/**
 * Reads one frame. Never throws: a frame that is not a message becomes an error. Its code is "gateway" if API Gateway
 * reports that the function failed, and "unreadable" otherwise.
 */
export function parse(frame: unknown): ServerMessage {
  const fields = jsonObject(frame);
  if (fields === undefined) return UNREADABLE;
  const { type, value, code, message, id } = fields;
  const respondsTo = isText(id) ? { id } : {};
  if (type === "counter-update") return { type, value: isCount(value) ? value : undefined, ...respondsTo };
  if (type === "error" && isText(code) && isText(message)) return { type, code, message, ...respondsTo };
  if (type === undefined && isText(message)) {
    return { type: "error", code: "gateway", message: `The gateway reported “${message}”.` };
  }
  return isText(type) && !TYPES.has(type) ? { type: "unknown", name: type } : UNREADABLE;
}

/** Whether the message may be the response to any pending request, because it names none. */
export function respondsToAll(message: ServerMessage): boolean {
  if (message.type === "error") return message.code === "gateway" || message.code === "unreadable";
  return message.type === "unknown";
}

function jsonObject(frame: unknown): Record<string, unknown> | undefined {
  if (typeof frame !== "string") return undefined;
  try {
    const json: unknown = JSON.parse(frame);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isText(text: unknown): text is string {
  return typeof text === "string" && text !== "";
}
