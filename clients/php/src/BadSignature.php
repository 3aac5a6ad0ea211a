<?php

declare(strict_types=1);

namespace Quittance;

/** A message that the desk did not sign with this secret, or that is too old: answer 400 and do nothing. */
final class BadSignature extends \RuntimeException
{
}
