import type { Client } from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

export type { components, paths };
type Schemas = components["schemas"];
export type Payin = Schemas["Payin"];
export type Payout = Schemas["Payout"];
export type WebhookMessage = Schemas["WebhookMessage"];

export class Refused extends Error {
  status: number;
  problem: Partial<Schemas["Problem"]>;
  code: string | undefined;
  detail: string | undefined;
  requestId: string | undefined;
  retryable: boolean;
}

export class BadSignature extends Error {}

export interface Patience {
  /** The first one counted. */
  attempts?: number;
  /** Seconds. */
  firstWait?: number;
  /** Seconds; a longer Retry-After is not waited for. */
  longestWait?: number;
}

export interface Options extends Patience {
  /** `qsign_…`: each call is signed with it. */
  signingSecret?: string;
}

export function quittance(key: string, desk: string, options?: Options): Client<paths>;
export function must<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T>;

type Lists = { [P in keyof paths]: paths[P] extends {
  get: { responses: { 200: { content: { "application/json": { data: unknown[]; next_cursor: string | null } } } } } }
  ? P : never }[keyof paths];
type Row<P extends Lists> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": { data: (infer R)[] } } } } } } ? R : never;
type Query<P extends Lists> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? Q : never;

export function all<P extends Lists>(desk: Client<paths>, path: P, query?: Query<P>): AsyncGenerator<Row<P>>;

export function verifyWebhook(secret: string, body: string | Uint8Array,
  headers: Headers | Record<string, string | string[] | undefined>,
  options?: { tolerance?: number; now?: number }): Promise<WebhookMessage>;
