import { useId } from "react";

import { ClickRate } from "./ClickRate";
import { ConnectionStatus } from "./ConnectionStatus";
import { CounterValue } from "./CounterValue";
import { IncrementButton } from "./IncrementButton";
import { LiveRegion } from "./LiveRegion";
import { PendingClicks } from "./PendingClicks";
import { StatusNotes } from "./StatusNotes";
import { type CounterAddress, useCounter } from "./use-counter";
import "./realtime-counter.css";

/** The page of the counter. */
export function RealtimeCounter(address: CounterAddress) {
  const { state, actions } = useCounter(address);
  const explanationId = useId();

  return (
    <main className="page">
      <section className="card" aria-labelledby="title">
        <header className="counter-header">
          <h1 id="title">Realtime counter</h1>
          <ConnectionStatus state={state.connection} retryInMs={state.retryInMs} />
        </header>
        <CounterValue value={state.value} stale={state.connection !== "open" || state.error !== undefined} />
        <PendingClicks pending={state.pending} />
        <IncrementButton enabled={!state.full} explanationId={explanationId} onIncrement={actions.increment} />
        <ClickRate read={actions.readRate} roundTripMs={state.roundTripMs} />
      </section>
      <StatusNotes {...state} explanationId={explanationId} onDismissDropped={actions.dismissDropped} />
      <LiveRegion {...state} />
    </main>
  );
}
