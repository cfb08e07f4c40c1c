import type { Config } from "./client/config";
import { COUNTER_PATH, routeOf } from "./routes";
import { MessagePage } from "./ui/MessagePage";
import { RealtimeCounter } from "./ui/RealtimeCounter";

interface AppProps {
  pathname: string;
  /** Undefined while it is being loaded. */
  config: Config | undefined;
  /** Several attempts in a row to connect failed. Called again after each further failure. */
  onUnreachable?: () => void;
}

/** Shows the counter, or a page that says why there is none. */
export function App({ pathname, config, onUnreachable }: AppProps) {
  if (routeOf(pathname) === "not-found") {
    return (
      <MessagePage title="Page not found">
        <p>There is nothing at this address.</p>
        <p>
          <a href={COUNTER_PATH}>Go to the realtime counter</a>
        </p>
      </MessagePage>
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
      <MessagePage title="The counter cannot start">
        <p role="alert" className="problem">
          {config.problem}
        </p>
      </MessagePage>
    );
  }
  return <RealtimeCounter {...config} onUnreachable={onUnreachable} />;
}
