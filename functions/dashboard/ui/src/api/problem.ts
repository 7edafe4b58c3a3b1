// What went wrong with a question, and whether asking again can help.

import { t } from "../text";

/** The API's problem document (RFC 9457), as far as it came. */
interface ProblemDocument {
  type?: string;
  title?: string;
  detail?: string;
  request_id?: string;
  errors?: { parameter?: string; detail?: string }[];
}

export type Kind = "away" | "slow" | "login" | "forbidden" | "missing" | "invalid" | "busy" | "fault";

export class ApiProblem extends Error {
  override name = "ApiProblem";

  constructor(
    readonly kind: Kind,
    readonly title: string,
    readonly detail: string,
    readonly advice: string,
    readonly requestId: string | null,
    /** After so many seconds the service may answer; null where asking again is no use. */
    readonly retryAfter: number | null,
  ) {
    super(`${title}: ${detail}`);
  }
}

function kindOf(status: number): Kind {
  if (status === 401) return "login";
  if (status === 403) return "forbidden";
  if (status === 404) return "missing";
  if (status === 429) return "busy";
  if (status === 504) return "slow";
  if (status === 502 || status === 503) return "away";
  return status >= 500 ? "fault" : "invalid";
}

const RETRIED: readonly Kind[] = ["away", "slow", "busy"];

/** The problem that an answer tells of. */
export function problemOf(status: number, headers: Headers, body: unknown): ApiProblem {
  const document: ProblemDocument = typeof body === "object" && body !== null ? (body as ProblemDocument) : {};
  const kind = kindOf(status);
  const after = Number(headers.get("Retry-After"));
  const retryAfter = RETRIED.includes(kind) ? (after > 0 ? Math.min(after, 60) : 5) : null;
  return new ApiProblem(
    kind,
    t.problems[kind].title,
    document.detail ?? document.title ?? t.problems.status(status),
    t.problems[kind].advice,
    document.request_id ?? headers.get("X-Request-Id"),
    retryAfter,
  );
}

/** The problem of a question without an answer. */
export const unreachable = (): ApiProblem =>
  new ApiProblem("away", t.problems.away.title, t.problems.unreachable, t.problems.away.advice, null, 5);

export const asProblem = (error: unknown): ApiProblem =>
  error instanceof ApiProblem
    ? error
    : new ApiProblem("fault", t.problems.fault.title, String(error), t.problems.fault.advice, null, null);
