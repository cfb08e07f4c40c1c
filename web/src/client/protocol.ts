/** The messages on the wire. Pure: text in, messages out, and nothing that a server sends throws. */

/** An increment may be sent again under its id, made by `op-ids.ts`, until it is acknowledged: it counts once. */
export type ClientMessage = { action: "get-current" } | { action: "increment"; id: string };

/** `id` is that of the increment which the message answers. */
export type ServerMessage =
  | { type: "counter-update"; value: number; id?: string }
  | { type: "error"; code: string; message: string; id?: string };

const UNREADABLE: ServerMessage = {
  type: "error",
  code: "unreadable",
  message: "The server sent a message that this page does not understand.",
};

export function encode(message: ClientMessage): string {
  return JSON.stringify(message);
}

/**
 * Reads one frame. A frame that is no message of the protocol becomes an error message with the
 * code "gateway" (API Gateway speaks for itself when the function behind it does not) or "unreadable".
 */
export function parse(frame: unknown): ServerMessage {
  const fields = jsonObject(frame);
  if (fields === undefined) return UNREADABLE;
  const { type, value, code, message, id } = fields;
  const answered = isText(id) ? { id } : {};
  if (type === "counter-update" && isCount(value)) return { type, value, ...answered };
  if (type === "error" && isText(code) && isText(message)) return { type, code, message, ...answered };
  if (type === undefined && isText(message)) {
    return { type: "error", code: "gateway", message: `The gateway reported “${message}”.` };
  }
  return UNREADABLE;
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
