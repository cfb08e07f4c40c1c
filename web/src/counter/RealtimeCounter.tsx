import { useId } from "react";

import { ConnectionStatus } from "./ConnectionStatus";
import { CounterValue } from "./CounterValue";
import { IncrementButton } from "./IncrementButton";
import { useCounter } from "./use-counter";
import "./realtime-counter.css";

export function RealtimeCounter({ webSocketUrl }: { webSocketUrl: string }) {
  const { value, connection, error, increment } = useCounter(webSocketUrl);
  const explanationId = useId();
  const connected = connection === "open";

  return (
    <main className="page">
      <section className="card" aria-labelledby="title">
        <header className="counter-header">
          <h1 id="title">Realtime counter</h1>
          <ConnectionStatus state={connection} />
        </header>
        <CounterValue value={value} />
        <IncrementButton enabled={connected} explanationId={explanationId} onIncrement={increment} />
      </section>
      <div className="counter-notes">
        {connected ? (
          <p>Open this page in a second tab and click: both move.</p>
        ) : (
          <p id={explanationId}>The button works as soon as the page is connected.</p>
        )}
        {error !== undefined && (
          <p role="alert" className="problem">
            {error}
          </p>
        )}
      </div>
    </main>
  );
}
