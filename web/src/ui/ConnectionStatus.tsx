import { useEffect, useState } from "react";

import type { ConnectionState } from "../client/counter-socket";
import "./connection-status.css";

/** "closed" is visible only in the first frame. */
const WORDS = { closed: "Connecting…", connecting: "Connecting…", open: "Connected" };

interface ConnectionStatusProps {
  state: ConnectionState;
  /** The whole delay in milliseconds, while the state is "waiting". */
  retryInMs: number | undefined;
}

/** The state of the connection in words, with a countdown to the next attempt. */
export function ConnectionStatus({ state, retryInMs }: ConnectionStatusProps) {
  return (
    <p className="connection-status" data-testid="connection-state" data-state={state}>
      {state === "waiting" ? <Countdown ms={retryInMs ?? 0} /> : <span>{WORDS[state]}</span>}
    </p>
  );
}

function Countdown({ ms }: { ms: number }) {
  const [elapsed, setElapsed] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setElapsed((seconds) => seconds + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return <span>{`Reconnecting in ${Math.max(1, Math.ceil(ms / 1000) - elapsed)} s`}</span>;
}
