"""What the desk is made of: every locked package is free to ship and stands in the list of a release."""
from launcher import supply


def test_every_locked_package_is_free_to_ship_and_listed_with_its_hashes():
    packages = supply.pinned()
    assert len(packages) > 40
    assert all(one.hashes for one in packages), "hashes everywhere"
    assert list(supply.not_free(packages)) == []
    listed = supply.sbom(packages)["components"]
    assert [(one["name"], one["version"]) for one in listed] == [(one.name, one.version) for one in packages]


def test_one_that_is_not_free_or_says_nothing_is_named(monkeypatch):
    monkeypatch.setattr(supply, "licence_of", {"a": "MIT", "b": "GNU General Public License v3", "c": ""}.get)
    packages = [supply.Pinned(name, "1", []) for name in "abc"]
    assert list(supply.not_free(packages)) == ["b 1: GNU General Public License v3", "c 1: says no licence"]
