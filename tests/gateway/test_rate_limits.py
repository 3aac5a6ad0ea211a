"""A page never grows past its maximum, however the number is spelled."""
import pytest
from pydantic import ValidationError

from portal.gateway.strict_json import PageQuery


@pytest.mark.parametrize("sent", ["0", "101", "000100000", "00019999", "1e2", "+5", "٣", ""])
def test_an_odd_limit_is_refused(sent: str) -> None:
    with pytest.raises(ValidationError):
        PageQuery.model_validate({"limit": sent})
