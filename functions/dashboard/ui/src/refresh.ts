import { forgetAnswers } from "./api/query";
import { now } from "./state";

/** Reloads everything on the page, up to now. */
export function refresh(): void {
  now.value = new Date();
  forgetAnswers();
}
