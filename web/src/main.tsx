import "./main.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { type Config, loadConfig } from "./client/config";
import { takeToken, withToken } from "./client/token";
import { COUNTER_PATH, routeOf } from "./routes";
import { ErrorBoundary } from "./ui/ErrorBoundary";

const { location } = window;
if (routeOf(location.pathname) === "home") {
  history.replaceState(null, "", COUNTER_PATH + location.search + location.hash);
}

// Before anything else can read the address.
const token = takeToken(window);

const container = document.getElementById("root");
if (container === null) throw new Error('index.html has no element with the id "root".');
const root = createRoot(container);

async function load(): Promise<Config> {
  const config = await loadConfig({
    override: import.meta.env.VITE_WEBSOCKET_URL,
    fetch: (path, init) => window.fetch(path, init),
    pageProtocol: location.protocol,
  });
  return withToken(config, token);
}

/**
 * A tab may live longer than the address that it began with: the API may have been made anew. Then the page is
 * loaded again, since its content security policy allows the old address alone. Clicks that wait outlive that.
 */
async function lookAgain() {
  const config = await load();
  if (!("problem" in config) && config.webSocketUrl !== webSocketUrl) location.reload();
}

let webSocketUrl: string | undefined;

function render(config?: Config) {
  if (config !== undefined && !("problem" in config)) ({ webSocketUrl } = config);
  root.render(
    <StrictMode>
      <ErrorBoundary>
        <App pathname={location.pathname} config={config} onUnreachable={lookAgain} />
      </ErrorBoundary>
    </StrictMode>,
  );
}

render();
if (routeOf(location.pathname) === "counter") render(await load());
