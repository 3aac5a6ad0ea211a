"""The examples of the documentation keep to its own schemas, and have what real answers have."""
import pytest
from jsonschema_rs import Draft202012Validator

from portal.gateway import openapi, openapi_texts
from portal.webhooks.event_types import TOLD


def _validator(document, name):
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


def test_every_example_is_of_its_shape(app):
    document = openapi.document(app)
    for name, example in openapi_texts.EXAMPLES.items():
        assert name in document["components"]["schemas"], name
        wrong = [f"{error.instance_path}: {error.message}" for error in _validator(document, name).iter_errors(example)]
        assert not wrong, (name, wrong)


@pytest.mark.parametrize("type", TOLD)
def test_a_message_of_each_type_is_of_its_shape(app, type):
    message, (shape, _, step) = openapi_texts.message(type), type.partition(".")
    if shape == "dispute":
        assert message["data"]["status"] == ("ended" if step == "decided" else "open")
    elif shape == "balance":
        assert message["data"]["amount"].startswith("-") == (step == "debited")
    else:
        assert message["data"]["status"] == {"corrected": "completed"}.get(step, step)
    validator = _validator(openapi.document(app), {"balance": "BalanceEntry"}.get(shape, shape.capitalize()))
    wrong = [error.message for error in validator.iter_errors(message["data"])]
    assert not wrong


def test_the_example_has_the_names_of_a_real_answer(test_shop, payin):
    made = test_shop.post("/payins", payin())
    assert made.status_code == 201
    assert list(openapi_texts.payin()) == list(made.json)


def test_the_first_thing_that_anybody_copies_is_taken(test_shop, method):
    """It named a `return_url`, which a store refuses until the desk has listed its host."""
    sample = openapi_texts.EXAMPLES["CreatePayin"]
    assert "return_url" not in sample
    made = test_shop.post("/payins", sample | {"method": method})
    assert made.status_code == 201, made.json


def test_no_call_is_without_words_and_no_words_without_a_call(app):
    calls = {rule.endpoint.partition(".")[2] for rule, _, _ in openapi.calls(app)}
    assert calls == set(openapi_texts.DESCRIPTIONS)
