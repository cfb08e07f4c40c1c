/** The recorded messages. Python's tests also read them, so that both ends stay compatible. */

export interface Frame {
  name: string;
  text?: string;
  parts?: [string, number][];
  /** Op id of the increment that the frame is, or responds to. */
  id?: string;
}

export interface FromServer extends Frame {
  message?: { type: string };
  gatewayError?: boolean;
  badValue?: boolean;
  unknown?: boolean;
  invalid?: boolean;
  lenient?: boolean;
}

export interface FromClient extends Frame {
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

export const fromClient = wires.flatMap((wire) => wire.clientToServer);
export const fromServer = wires.flatMap((wire) => wire.serverToClient);

export const textOf = ({ text, parts = [] }: Frame) =>
  text ?? parts.map(([part, count]) => part.repeat(count)).join("");
