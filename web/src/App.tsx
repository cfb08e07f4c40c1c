import type { Config } from "./client/config";
import { MessagePage } from "./ui/MessagePage";
import { RealtimeCounter } from "./ui/RealtimeCounter";

interface AppProps {
  config: Config;
  /** Several attempts in a row to connect failed. Called again after each further failure. */
  onUnreachable?: () => void;
}

/** Shows the counter, or a page that says why there is none. */
export function App({ config, onUnreachable }: AppProps) {
  if ("problem" in config) {
    return (
      <MessagePage title="The counter cannot start">
        <p role="alert" className="problem">
          {config.problem}
        </p>
        <p>The page retries automatically.</p>
      </MessagePage>
    );
  }
  return <RealtimeCounter {...config} onUnreachable={onUnreachable} />;
}
