// The client of a Quittance desk. Calls are those of openapi-fetch, typed by schema.d.ts, which is made of the desk's
// OpenAPI document; here is only what every call shares: the key, trying again, and refusals as errors.
import createClient from "openapi-fetch";

const RETRIED = new Set([408, 429, 502, 503, 504]); // where whoever answered wrote no problem document

/** The desk said no: `code` is stable, `detail` is for people, `requestId` is what to tell its operator. */
export class Refused extends Error {
  constructor(response, problem) {
    super(`${response.status} ${problem?.code}: ${problem?.detail} (${problem?.request_id})`);
    this.name = "Refused";
    this.status = response.status;
    this.problem = problem ?? {};
    this.code = this.problem.code;
    this.detail = this.problem.detail;
    this.requestId = this.problem.request_id;
    this.retryable = this.problem.retryable === true;
  }
}

/** A message that the desk did not sign with this secret, or that is too old. */
export class BadSignature extends Error {}

/**
 * A client with GET, POST, PATCH and DELETE, each of an address of schema.d.ts. A call that is not a GET carries an
 * Idempotency-Key, yours or one of its own, and so can be sent again: it is done once. With the key's signing secret
 * each call is signed besides, every attempt anew.
 */
export function quittance(key, desk, { attempts = 4, firstWait = 0.5, longestWait = 30, signingSecret } = {}) {
  const retrying = async (request) => {
    if (request.method !== "GET" && !request.headers.has("Idempotency-Key"))
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    for (let attempt = 1; ; attempt++) {
      const sent = request.clone();
      if (signingSecret) await sign(signingSecret, sent);
      const [answer, broken] = await fetch(sent).then((one) => [one, null], (error) => [null, error]);
      const backoff = Math.min(firstWait * 2 ** (attempt - 1), longestWait) * (0.5 + Math.random() / 2);
      const asked = Number(answer?.headers.get("Retry-After")) || 0;
      const hopeless = answer && (!(await retryable(answer)) || asked > longestWait);
      if (hopeless || attempt >= attempts) {
        if (broken) throw broken;
        return answer;
      }
      await new Promise((done) => setTimeout(done, Math.max(asked, backoff) * 1000));
    }
  };
  return createClient({ baseUrl: desk.replace(/\/+$/, ""), fetch: retrying,
                        headers: { Authorization: `Bearer ${key}` } });
}

/** What was answered: `await must(desk.GET(…))`. Throws Refused. */
export async function must(call) {
  const { data, error, response } = await call;
  if (!response.ok) throw new Refused(response, error);
  return data;
}

/** Every row of a list, page by page: `for await (const payin of all(desk, "/gateway/v1/payins", {status}))`. */
export async function* all(desk, path, query = {}) {
  for (let cursor; ;) {
    const page = await must(desk.GET(path, { params: { query: { ...query, ...(cursor && { cursor }) } } }));
    yield* page.data;
    if (!(cursor = page.next_cursor)) return;
  }
}

/**
 * The message, if the desk signed it and just now; `body`: the text or the bytes as they came. While a secret changes a
 * message carries two signatures, and either secret verifies it. Throws BadSignature.
 */
export async function verifyWebhook(secret, body, headers, { tolerance = 300, now = Date.now() / 1000 } = {}) {
  const given = (name) => (typeof headers.get === "function" ? headers.get(name) : headers[name]) ?? "";
  const at = given("webhook-timestamp");
  if (!/^\d+$/.test(at) || Math.abs(now - Number(at)) > tolerance) throw new BadSignature("its time is off");
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  const signed = new TextEncoder().encode(`${given("webhook-id")}.${at}.${text}`);
  const key = await crypto.subtle.importKey("raw", bytes(secret.replace(/^whsec_/, "")),
                                            { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  for (const one of given("webhook-signature").split(" "))
    if (one.startsWith("v1,") && await crypto.subtle.verify("HMAC", key, bytes(one.slice(3)), signed))
      return JSON.parse(text);
  throw new BadSignature("no signature fits");
}

let signedAt = 0;

/** Seconds with six digits that always grow: a signature counts once, and two calls may come in one millisecond. */
function moment() {
  signedAt = Math.max(signedAt + 1, Date.now() * 1000);
  return (signedAt / 1e6).toFixed(6);
}

async function sign(secret, request) {
  const { pathname, search } = new URL(request.url), timestamp = moment();
  const digest = await crypto.subtle.digest("SHA-256", await request.clone().arrayBuffer());
  const text = ["v1", timestamp, request.method, pathname + search, request.headers.get("Idempotency-Key") ?? "",
                hex(digest)].join("\n");
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), { name: "HMAC", hash: "SHA-256" },
                                            false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
  request.headers.set("Quittance-Timestamp", timestamp);
  request.headers.set("Quittance-Signature", `v1=${hex(signature)}`);
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function retryable(answer) {
  if (answer.ok) return false;
  const problem = await answer.clone().json().catch(() => null);
  return typeof problem?.retryable === "boolean" ? problem.retryable : RETRIED.has(answer.status);
}

function bytes(base64) {
  try {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
