export const COUNTER_PATH = "/realtime-counter";

export type Route = "home" | "counter" | "not-found";

export function routeOf(pathname: string): Route {
  if (pathname === "/") return "home";
  return pathname === COUNTER_PATH || pathname === `${COUNTER_PATH}/` ? "counter" : "not-found";
}
