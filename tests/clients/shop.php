<?php
// What a shop does with clients/php: prints one JSON line that the test reads.
require getenv('GUZZLE');
spl_autoload_register(static function (string $class): void {
    foreach (['src', 'lib'] as $folder) {
        $file = __DIR__ . "/../../clients/php/$folder/" . strtr(substr($class, strlen('Quittance\\')), '\\', '/') . '.php';
        if (str_starts_with($class, 'Quittance\\') && is_file($file)) {
            require $file;
        }
    }
});
set_error_handler(static function (int $level, string $words, string $file): bool {
    if (str_contains($file, 'clients/php')) {
        throw new ErrorException($words); // Debian's Guzzle is older than its PHP and says so
    }
    return true;
});

$desk = new Quittance\Desk(getenv('KEY'), getenv('DESK'), firstWait: 0.01,
    signingSecret: getenv('SIGNING_SECRET') ?: null);
$payins = new Quittance\Api\PayinsApi($desk->http(), $desk->configuration());
$order = json_decode(getenv('ORDER'), true);
[$secret, $body, $headers] = json_decode(getenv('WEBHOOK'), true);

$payin = $payins->createPayin('php-' . $order['external_id'], new Quittance\Model\CreatePayin($order));
$listed = array_map(static fn ($one) => $one->getId(), $payins->listPayins(limit: 10)->getData());
$refused = static function (array $order) use ($payins): array {
    try {
        $payins->createPayin(bin2hex(random_bytes(8)), new Quittance\Model\CreatePayin($order));
    } catch (Quittance\ApiException $no) {
        $problem = json_decode((string) $no->getResponseBody());
        return [$no->getCode(), $problem->code, substr($problem->request_id, 0, 4)];
    }
    return [];
};
$taken = $refused($order);
$wrong = $refused(['amount' => '1500'] + $order);
$cancelled = $payins->cancelPayin($payin->getId());
$webhook = new Quittance\Webhook($secret);
$message = $webhook->verify($body, $headers);
try {
    $webhook->verify("$body ", $headers);
    $forged = false;
} catch (Quittance\BadSignature) {
    $forged = true;
}
echo json_encode(['status' => $payin->getStatus(), 'id' => $payin->getId(), 'listed' => $listed, 'taken' => $taken,
    'wrong' => $wrong, 'cancelled' => $cancelled->getStatus(), 'version' => $message['data']['version'],
    'forged' => $forged]);
