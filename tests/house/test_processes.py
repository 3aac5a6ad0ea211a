"""What each process of the Procfile is given."""
from launcher import procfile


def test_only_who_migrates_is_given_the_owner_of_the_tables():
    """Whoever breaks into a web process must not find the password of the role that may drop the audit."""
    for name, command in procfile.processes([]).items():
        assert command.startswith("env -u DATABASE_OWNER_URL "), name
    assert "-u" not in procfile.read()[procfile.RELEASE]
