// Compiles, and what is wrong in it does not.
import { all, must, quittance, type Payin } from "../../clients/js/index.js";

const desk = quittance("qk_test_x", "https://desk.example");
export async function take(): Promise<string | null> {
  const payin: Payin = await must(desk.POST("/gateway/v1/payins", {
    params: { header: { "Idempotency-Key": "once" } },
    body: { external_id: "order-1042", amount: "1500.00", currency: "RUB" },
  }));
  for await (const one of all(desk, "/gateway/v1/payins", { status: "completed" })) console.log(one.settlement.net);
  // @ts-expect-error there is no such state
  for await (const one of all(desk, "/gateway/v1/payins", { status: "done" })) console.log(one);
  // @ts-expect-error an amount is a text
  await desk.POST("/gateway/v1/payouts", { body: { external_id: "x", amount: 1500, currency: "RUB" } });
  return payin.payment_url;
}
