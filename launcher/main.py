"""The way in for bin/run, bin/flask and bin/test."""
from collections.abc import Callable


def main(command: str, arguments: list[str]) -> int:
    """Run one of the three commands; trouble that a person can mend is one line on stderr and exit code 1."""
    from launcher import commandline, desk, testrun
    from launcher.say import Trouble, give_up

    commands: dict[str, Callable[[list[str]], int]] = {
        "run": desk.main, "flask": commandline.main, "test": testrun.main}
    try:
        return commands[command](arguments)
    except Trouble as problem:
        give_up(problem)
    except KeyboardInterrupt:
        return 130
