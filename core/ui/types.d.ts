// What the house says, as far as the page reads it; openapi.json is the description of all of it.

export interface Me {
  user: string;
  name?: string;
  tenant: string;
  roles: string[];
  groups: string[];
  tier?: string;
  expires_at: string;
  session?: string;
}

export interface Provider {
  id: string;
  name: string;
  development?: boolean;
  users?: string[];
}

export interface Page<T> {
  items: T[];
  next?: string;
}

export interface Member {
  user: string;
  role: "owner" | "member";
}

export type Speaks = "always" | "when_asked";

export interface Summary {
  id: string;
  title: string;
  last_seq: number;
  created_at: string;
  updated_at: string;
  forgotten_before?: string;
  speaks: Speaks;
  branch_of?: string;
  members?: Member[];
}

export interface FileView {
  id?: string;
  agent?: string;
  name: string;
  media_type: string;
  bytes: number;
}

export interface MessageView {
  id: string;
  seq: number;
  author: { kind: "user"; id: string } | { kind: "switchboard" };
  text: string;
  files?: FileView[];
  turn?: string;
  agent?: string;
  client_id?: string;
  at: string;
}

export interface Step {
  agent: string;
  question: string;
  confidence: number;
  depends_on?: number[];
}

export interface Plan {
  mode: "direct" | "parallel" | "sequential" | "clarify" | "none" | "quiet";
  steps: Step[];
  confidence: number;
  reason: string;
  why?: { code: string; agents?: string[]; most?: number };
  stage: "rule" | "lexical" | "llm";
  degraded?: string;
  reply?: string;
  choices?: string[];
}

export type CallState =
  | "running"
  | "completed"
  | "failed"
  | "timed_out"
  | "rejected"
  | "input_required"
  | "working"
  | "canceled"
  | "skipped";

export type TurnState = "running" | "completed" | "failed" | "canceled" | "input_required" | "working";

export interface CallView {
  id: string;
  agent: string;
  question: string;
  state: CallState;
  reply?: string;
  reason?: string;
  files?: FileView[];
  ms: number;
}

export interface Usage {
  calls: number;
  llm_input_tokens: number;
  llm_output_tokens: number;
  ms: number;
}

export interface TurnView {
  id: string;
  conversation: string;
  message: string;
  state: TurnState;
  attempt: number;
  plan?: Plan;
  calls: CallView[];
  answer?: string;
  degraded?: string;
  usage: Usage;
  error?: string;
  created_at: string;
}

export interface Claim {
  start: number;
  end: number;
  agents: string[];
}

export interface Answer {
  message: string;
  attempt: number;
  text: string;
  sources: { agent: string; state: CallState; reason?: string }[];
  claims: Claim[];
  degraded?: string;
  files?: FileView[];
}

export interface AgentView {
  id: string;
  name: string;
  description: string;
  card_url: string;
  skills: string[];
  languages: string[];
  examples: number;
  questions?: string[];
  streaming: boolean;
  effects: boolean;
  breaker: "closed" | "open" | "half_open";
  enabled: boolean;
  groups?: string[];
}

export interface CardLook {
  url: string;
  fault?: string;
  id?: string;
  replaces: boolean;
  name: string;
  description: string;
  version: string;
  provider: string;
  skills: { id: string; name: string; description: string; examples: number }[];
  bindings: { binding: string; version: string; url: string; used: boolean }[];
  notes: { kind: "no_examples" | "no_streaming" | "extension" | "credentials"; what?: string }[];
}

export interface UserView {
  user: string;
  roles?: string[];
  groups?: string[];
  tier?: string;
  first_seen: string;
  last_seen?: string;
  last_turn?: string;
  stored_bytes: number;
}

export interface Used {
  turns: number;
  calls: number;
  llm_input_tokens: number;
  llm_output_tokens: number;
}

export interface UsageView {
  from: string;
  used: Used;
  users: number;
  stored_bytes: number;
  quota_bytes?: number;
  user_quota_bytes?: number;
  budgets: { tier: string; costly_per_minute: number }[];
  items: (Used & { user: string; tier?: string; stored_bytes: number })[];
}

export interface AuditEntry {
  seq: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  detail: any;
}

export interface AuditPage {
  items: AuditEntry[];
  next?: string;
  looked_to?: string;
}

export interface AuditCheck {
  ok: boolean;
  checked: number;
  to: number;
  at?: string;
  head: number;
  anchor?: string;
  complete: boolean;
  broken?: { seq: number; fault: "missing" | "changed" | "anchor" | "head" };
}

export interface Part {
  name: string;
  media_type: string;
  data: string;
}

export interface LocalAnswer {
  agents: string[];
  decided: boolean;
}

export interface Trial {
  verdict: string;
  reason: string;
  examples: { rows: number; before: number; after: number; lost: number; tolerated: number };
  lost: { text: string; agents: string[]; before: LocalAnswer; after: LocalAnswer }[];
}

export interface SuggestionView {
  id: string;
  agent: string;
  text: string;
  language?: string;
  source: "correction" | "thumbs" | "chip" | "rejection";
  positive: boolean;
  turn: string;
  state: "open" | "approved" | "dismissed";
  decided_by?: string;
  taught?: string[];
  at: string;
}

export interface Key {
  id: string;
  name: string;
  roles: string[];
  agents?: string[];
  created_at: string;
  expires_at?: string;
  last_used_at?: string;
  user?: string;
}

/** Any event of a conversation's log. */
export interface Event {
  conversation: string;
  seq?: number;
  turn?: string;
  at: string;
  type: string;
  // Each type has its own; who reads it has looked at the type.
  data: any;
}

/** What every page of analytics has. */
export interface Figures {
  from: string;
  to: string;
  step: "minute" | "hour";
  at: string;
  definitions: Record<string, string>;
}

export interface ProductFigures extends Figures {
  totals: {
    messages: number;
    users: number;
    answers: number;
    without_llm: number;
    degraded: number;
    failed: number;
    calls: number;
    thumbs_up: number;
    thumbs_down: number;
    corrections: number;
    input_tokens: number;
    output_tokens: number;
    calls_per_answer?: number;
    tokens_per_answer?: number;
    cost?: { currency: string; cost_of_all: number; cost_per_answer?: number; unpriced_tokens: number };
  };
  points: {
    at: string;
    messages: number;
    users: number;
    answers: number;
    without_llm: number;
    thumbs_up: number;
    thumbs_down: number;
    input_tokens: number;
    output_tokens: number;
  }[];
  languages: { language: string; messages: number }[];
  agents: { agent: string; calls: number; calls_failed: number; share: number }[];
  models: { model: string; input_tokens: number; output_tokens: number; cost?: number }[];
  confidence: { confidence_from: number; confidence_to: number; plans: number }[];
  corrected: { turn: string; at: string; asked: string[]; right: string[]; confidence?: number }[];
}

export interface CorePart {
  id: string;
  seen_at: string;
  version: string;
  started_at: string;
  running: number;
  waiting: number;
  max_running: number;
  streams: number;
  draining: boolean;
  postgres: { host: string; role: "writer" | "replica" | "away"; lag_ms?: number }[];
  redis: { node: string; role: "primary" | "replica" | "away"; lag_bytes?: number }[];
  llm: { endpoint: string; model: string; state: "unknown" | "works" | "fails" | "rests" }[];
}

export interface EdgePart {
  id: string;
  seen_at: string;
  load: number;
  url: string;
  region: string;
  version: string;
  sockets: number;
  streams: number;
  connections: number;
  max_connections: number;
  draining: boolean;
  edge_refused: number;
  edge_errors: number;
}

export interface RunningFigures extends Figures {
  whose: "tenant" | "house";
  totals: {
    requests: number;
    client_errors: number;
    errors: number;
    edge_refused: number;
    edge_errors: number;
    turns: number;
    failed: number;
    objective: number;
    budget_left?: number;
  };
  points: {
    at: string;
    requests: number;
    client_errors: number;
    errors: number;
    turns: number;
    failed: number;
    budget_left?: number;
    acknowledgement_p95_ms?: number;
    own_p95_ms?: number;
    agent_p95_ms?: number;
  }[];
  latency: {
    kind: "acknowledgement" | "own" | "agent" | "answer";
    count: number;
    p50_ms?: number;
    p95_ms?: number;
    p99_ms?: number;
  }[];
  breakers: { agent: string; breaker: "open" | "half_open" }[];
  house?: {
    cores: CorePart[];
    edges: EdgePart[];
    drill?: { seen_at: string; name: string; passed: boolean; summary: string };
  };
}

export interface CapacityFigures extends Figures {
  whose: "tenant" | "house";
  totals: {
    messages: number;
    messages_per_s: number;
    peak_per_s: number;
    input_tokens: number;
    output_tokens: number;
  };
  points: { at: string; messages: number; messages_per_s: number; sockets?: number; running?: number }[];
  tiers: {
    tier: "edge" | "core";
    unit: "sockets" | "turns_per_s" | "running";
    parts: number;
    used: number;
    peak: number;
    ceiling?: number;
    headroom?: number;
    basis: "measured" | "bound" | "none";
  }[];
  growth: { days: number; messages_per_day?: number; growth_per_day?: number; full_in_days?: number };
}
