"""Stores, keys, traders and requisites for a drill; prints the stores' tokens. Runs with a node's own environment."""
from portal import create_app
from portal.settings import load

app = create_app(load(), process="worker")
with app.app_context():
    from benchmarks import people
    from tasks import registry

    assert registry.ALL
    made = people.shops(4)
    people.workforce(40)
    for token in made.tokens:
        print("token", token)
