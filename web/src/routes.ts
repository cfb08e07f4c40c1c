/** Paths of the page. */

/** Path of the counter, without a slash at the end. */
export const COUNTER_PATH = "/realtime-counter";

/** The content of a path; "home" redirects to the counter. */
export type Route = "home" | "counter" | "not-found";

/** Finds the route of a path. */
export function routeOf(pathname: string): Route {
  if (pathname === "/") return "home";
  return pathname === COUNTER_PATH || pathname === `${COUNTER_PATH}/` ? "counter" : "not-found";
}
