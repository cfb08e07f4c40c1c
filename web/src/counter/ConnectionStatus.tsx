import type { ConnectionState } from "./counter-socket";
import "./connection-status.css";

const WORDS: Record<ConnectionState, string> = {
  // The page connects as soon as it is there: "closed" lasts for the first frame only.
  closed: "Connecting…",
  connecting: "Connecting…",
  open: "Connected",
  waiting: "Reconnecting in 3 s…",
};

export function ConnectionStatus({ state }: { state: ConnectionState }) {
  return (
    <p className="connection-status" role="status" data-testid="connection-state" data-state={state}>
      {WORDS[state]}
    </p>
  );
}
