import "./main.css";

import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./App";
import { type Config, loadConfig } from "./client/config";
import { loadUntilValid } from "./client/config-retry";
import { reloadWhenBlocked } from "./client/policy";
import { takeToken, withToken } from "./client/token";
import { NotFound } from "./NotFound";
import { COUNTER_PATH, routeOf } from "./routes";
import { ErrorBoundary } from "./ui/ErrorBoundary";

const { location } = window;
if (routeOf(location.pathname) === "home") {
  history.replaceState(null, "", COUNTER_PATH + location.search + location.hash);
}

// Must come before any other code that reads the address.
const token = takeToken(window);

const container = document.getElementById("root");
if (container === null) throw new Error('index.html has no element with the id "root".');
const root = createRoot(container);

async function load(): Promise<Config> {
  const config = await loadConfig({
    override: import.meta.env.VITE_WEBSOCKET_URL,
    fetch: (path, init) => window.fetch(path, init),
    pageAddress: location.href,
  });
  return withToken(config, token);
}

/**
 * Reloads the page if config.json has another address, as after the API was recreated. A reload is needed because the
 * content security policy allows only the old address. Pending clicks survive it.
 */
const reloadIfMoved = () => reloadIf((address) => address !== webSocketUrl);

/** Reloads the page if the site responds, because a reload without a network would replace the page by an error. */
const reloadIfOnline = () => reloadIf(() => true);

async function reloadIf(condition: (address: string) => boolean) {
  const config = await load();
  if (!("problem" in config) && condition(config.webSocketUrl)) location.reload();
}

let webSocketUrl: string | undefined;

function show(config: Config) {
  if (!("problem" in config)) {
    ({ webSocketUrl } = config);
    reloadWhenBlocked({ url: webSocketUrl, reload: reloadIfOnline, document });
  }
  render(<App config={config} onUnreachable={reloadIfMoved} />);
}

function render(page: ReactNode) {
  root.render(
    <StrictMode>
      <ErrorBoundary>{page}</ErrorBoundary>
    </StrictMode>,
  );
}

// public/start.js reports what fails before the first render. So nothing is rendered while the configuration is loading.
if (routeOf(location.pathname) === "not-found") render(<NotFound />);
else await loadUntilValid({ load, onConfig: show });
