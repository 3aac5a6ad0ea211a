<?php

declare(strict_types=1);

namespace Quittance;

/** Messages to one endpoint, as Standard Webhooks has them. */
final class Webhook
{
    public function __construct(private readonly string $secret, private readonly int $tolerance = 300)
    {
    }

    /**
     * The message, if the desk signed it and just now; `$body`: as it came, from `php://input`. While a secret changes
     * a message carries two signatures, and either secret verifies it.
     *
     * @param array<string, string> $headers `getallheaders()`
     * @return array<string, mixed>
     * @throws BadSignature
     */
    public function verify(string $body, array $headers, ?int $now = null): array
    {
        $given = array_change_key_case($headers) + ['webhook-id' => '', 'webhook-timestamp' => '', 'webhook-signature' => ''];
        $at = $given['webhook-timestamp'];
        if (!ctype_digit($at) || abs(($now ?? time()) - (int) $at) > $this->tolerance) {
            throw new BadSignature('its time is more than a few minutes off');
        }
        $key = base64_decode(preg_replace('/^whsec_/', '', $this->secret) ?? '', true);
        if ($key === false || $key === '') {
            throw new \InvalidArgumentException('this is no secret of an endpoint');
        }
        $wanted = 'v1,' . base64_encode(hash_hmac('sha256', "{$given['webhook-id']}.$at.$body", $key, true));
        foreach (explode(' ', $given['webhook-signature']) as $one) {
            if (hash_equals($wanted, $one)) {
                return json_decode($body, true, flags: JSON_THROW_ON_ERROR);
            }
        }
        throw new BadSignature('no signature fits');
    }
}
