// What a shop does with clients/js: prints one JSON line that the test reads.
import { all, BadSignature, must, quittance, Refused, verifyWebhook } from "../../clients/js/index.js";

const { KEY, DESK, ORDER, WEBHOOK, SIGNING_SECRET } = process.env;
const desk = quittance(KEY, DESK, { firstWait: 0.01, signingSecret: SIGNING_SECRET });
const order = JSON.parse(ORDER), [secret, body, headers] = JSON.parse(WEBHOOK);
const payin = await must(desk.POST("/gateway/v1/payins", { body: order }));
const listed = [];
for await (const one of all(desk, "/gateway/v1/payins", { limit: 1 })) listed.push(one.id);
const refused = async (body) => {
  try {
    await must(desk.POST("/gateway/v1/payins", { body }));
  } catch (error) {
    if (error instanceof Refused) return [error.status, error.code, error.requestId.slice(0, 4)];
    throw error;
  }
};
const taken = await refused(order), wrong = await refused({ ...order, amount: "1500" });
const cancelled = await must(desk.POST("/gateway/v1/payins/{payin_id}/cancel", {
  params: { path: { payin_id: payin.id } } }));
const message = await verifyWebhook(secret, body, headers);
const forged = await verifyWebhook(secret, body + " ", headers).catch((error) => error instanceof BadSignature);
console.log(JSON.stringify({ status: payin.status, id: payin.id, listed, taken, wrong, cancelled: cancelled.status,
                             version: message.data.version, forged }));
