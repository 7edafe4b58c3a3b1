import { forgetAnswers } from "./api/query";
import { now } from "./state";

/** Reads all of the page anew, up to now. */
export function refresh(): void {
  now.value = new Date();
  forgetAnswers();
}
