import type { Config } from "./config";
import { RealtimeCounter } from "./counter/RealtimeCounter";
import { Message } from "./Message";
import { COUNTER_PATH, routeOf } from "./routes";

interface AppProps {
  pathname: string;
  /** Undefined while it is being loaded. */
  config: Config | undefined;
  /** Nobody answers at the configured address any more. */
  onUnreachable?: () => void;
}

export function App({ pathname, config, onUnreachable }: AppProps) {
  if (routeOf(pathname) === "not-found") {
    return (
      <Message title="Page not found">
        <p>There is nothing at this address.</p>
        <p>
          <a href={COUNTER_PATH}>Go to the realtime counter</a>
        </p>
      </Message>
    );
  }
  if (config === undefined) {
    return (
      <main className="page">
        <p role="status" className="loading">
          Loading…
        </p>
      </main>
    );
  }
  if ("problem" in config) {
    return (
      <Message title="The counter cannot start">
        <p role="alert" className="problem">
          {config.problem}
        </p>
      </Message>
    );
  }
  return <RealtimeCounter webSocketUrl={config.webSocketUrl} times={config.times} onUnreachable={onUnreachable} />;
}
