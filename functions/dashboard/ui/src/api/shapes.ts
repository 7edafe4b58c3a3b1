// Shapes of endpoints that older versions of the service do not have: the page works without them.

export interface Steps {
  request_id: string[];
  started_after: number[];
  seconds: number[];
  time_to_first_token: (number | null)[];
  model: string[];
  model_group: (string | null)[];
  status: string[];
  error_class: (string | null)[];
  agent_name: (string | null)[];
  prompt_tokens: number[];
  completion_tokens: number[];
  cached_tokens: (number | null)[];
  repeated_tokens: (number | null)[];
  cost: number[];
  running_cost: number[];
  tools: string[][];
  tool_calls: number[];
  cache_hit: boolean[];
  lane: number[];
  human: (boolean | null)[];
}

type Names = (number | null)[];

/** Steps as the API sends them: names stand once, and the columns of names hold their places. */
export interface SentSteps
  extends Omit<Steps, "model" | "model_group" | "status" | "error_class" | "agent_name" | "tools" | "human"> {
  model: number[];
  model_group: Names;
  status: number[];
  error_class: Names;
  agent_name: Names;
  tools: number[][];
  /** Null as a whole where content was not looked at. */
  human: (boolean | null)[] | null;
}

export interface SentTimeline extends Omit<Timeline, "steps"> {
  names: string[];
  steps: SentSteps;
}

export interface RepeatedCall {
  tool: string;
  arguments_hash: string | null;
  count: number;
  first_step: number;
  last_step: number;
}

export interface Verdict {
  failures: number;
  first_failure: number | null;
  idle_gaps: { after_step: number; seconds: number }[];
  repeated_calls: RepeatedCall[] | null;
  repeated_prompt_percent: number | null;
  most_expensive_step: number | null;
}

export interface Timeline {
  session_id: string;
  start: string;
  end: string;
  wall_seconds: number;
  busy_seconds: number;
  requests: number;
  cost: number;
  total_tokens: number;
  /** False for a session of more steps than are sent. */
  complete?: boolean;
  repeated_tokens_basis?: "estimated" | "content";
  steps: Steps;
  verdict: Verdict;
}

export interface DiffSide {
  session_id: string;
  start: string;
  end: string;
  requests: number;
  cost: number;
  total_tokens: number;
  prompt_tokens: number;
  completion_tokens: number;
  duration_seconds: number;
  failed_requests: number;
}

export interface DiffStep {
  index: number;
  request_id: string;
  started_at: string;
  model: string;
  status: string;
  cost: number;
  total_tokens: number;
  seconds: number;
  tools: string[];
}

export interface DiffTurn {
  operation: "equal" | "changed" | "only_a" | "only_b";
  a: DiffStep | null;
  b: DiffStep | null;
  differs: string[];
  cost_delta: number | null;
  tokens_delta: number | null;
  seconds_delta: number | null;
}

export interface SessionDiff {
  a: DiffSide;
  b: DiffSide;
  first_divergence: { turn: number; what: string[] } | null;
  turns: DiffTurn[];
  content_compared: boolean;
  complete: boolean;
}

export interface Me {
  name: string | null;
  /** `anonymous` where nobody has to log in. */
  login: string;
  rows: string;
  user_ids: string[];
  team_ids: string[];
  agents: string[];
  content: boolean;
  service?: { version?: string; timezone?: string; source?: string; as_of?: string | null };
}
