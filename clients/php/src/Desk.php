<?php

declare(strict_types=1);

namespace Quittance;

use GuzzleHttp\Client;
use GuzzleHttp\Handler\CurlHandler;
use GuzzleHttp\HandlerStack;
use GuzzleHttp\Middleware;
use Psr\Http\Message\RequestInterface;
use Psr\Http\Message\ResponseInterface;

/**
 * What every call shares: the key, an Idempotency-Key, and trying again. The calls themselves are in Quittance\Api, made
 * of the desk's OpenAPI document: `$payins = new Api\PayinsApi($desk->http(), $desk->configuration());`
 */
final class Desk
{
    private const RETRIED = [408, 429, 502, 503, 504]; // where whoever answered wrote no problem document

    public function __construct(
        private readonly string $key,
        private readonly string $url,
        private readonly int $attempts = 4,
        private readonly float $firstWait = 0.5,
        private readonly float $longestWait = 30.0,
        private readonly float $timeout = 30.0,
        private readonly ?string $signingSecret = null, // qsign_…: each call is signed with it
    ) {
    }

    public function configuration(): Configuration
    {
        return (new Configuration())->setHost(rtrim($this->url, '/'))->setAccessToken($this->key);
    }

    /** An HTTP client whose calls can be sent again: whatever is not a GET carries an Idempotency-Key. */
    public function http(): Client
    {
        $stack = HandlerStack::create(new CurlHandler());
        $stack->push(Middleware::mapRequest(
            static fn (RequestInterface $request) => $request->getMethod() === 'GET'
                || $request->getHeaderLine('Idempotency-Key') !== ''
                ? $request : $request->withHeader('Idempotency-Key', bin2hex(random_bytes(16)))
        ));
        $stack->push(Middleware::retry($this->again(...), $this->waitMs(...)));
        if ($this->signingSecret !== null) {
            $stack->push(Middleware::mapRequest($this->signed(...))); // within the retries: a signature counts once
        }

        return new Client(['handler' => $stack, 'timeout' => $this->timeout, 'connect_timeout' => 5,
            'allow_redirects' => false]);
    }

    private function signed(RequestInterface $request): RequestInterface
    {
        $timestamp = sprintf('%.6F', microtime(true));
        $body = (string) $request->getBody();
        if ($request->getBody()->isSeekable()) {
            $request->getBody()->rewind();
        }
        $text = implode("\n", ['v1', $timestamp, $request->getMethod(), $request->getRequestTarget(),
            $request->getHeaderLine('Idempotency-Key'), hash('sha256', $body)]);

        return $request->withHeader('Quittance-Timestamp', $timestamp)
            ->withHeader('Quittance-Signature', 'v1=' . hash_hmac('sha256', $text, $this->signingSecret));
    }

    private function again(int $retries, RequestInterface $request, ?ResponseInterface $answer = null): bool
    {
        if ($retries + 1 >= $this->attempts || self::retryAfter($answer) > $this->longestWait) {
            return false;
        }
        if ($answer === null) {
            return true; // nobody knows whether it arrived: under its key it is done once
        }
        $problem = json_decode((string) $answer->getBody(), true);
        $answer->getBody()->rewind();
        $said = is_array($problem) ? ($problem['retryable'] ?? null) : null;

        return $answer->getStatusCode() >= 400
            && ($said ?? in_array($answer->getStatusCode(), self::RETRIED, true));
    }

    private function waitMs(int $retries, ?ResponseInterface $answer = null): int
    {
        $backoff = min($this->firstWait * 2 ** ($retries - 1), $this->longestWait) * random_int(500, 1000);

        return (int) max(self::retryAfter($answer) * 1000, $backoff);
    }

    private static function retryAfter(?ResponseInterface $answer): int
    {
        return (int) ($answer?->getHeaderLine('Retry-After') ?? 0);
    }
}
