// All words of the page, by what they are about. Nothing here comes from the inside of the API.

import { calls } from "./calls";
import { costs } from "./costs";
import { filters } from "./filters";
import { frame } from "./frame";
import { login } from "./login";
import { overview } from "./overview";
import { quality } from "./quality";
import { requests } from "./requests";
import { sessions } from "./sessions";
import { states } from "./states";

export const t = {
  ...frame,
  ...filters,
  ...states,
  ...login,
  ...overview,
  ...sessions,
  ...requests,
  ...costs,
  ...calls,
  ...quality,
};
