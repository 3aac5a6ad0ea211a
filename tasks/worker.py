"""`python -m tasks.worker tasks.app.huey …`: Huey's consumer, with the options of `huey_consumer`. Any number run."""
from tasks import lean  # isort: split

from huey.bin.huey_consumer import consumer_main

assert lean  # before anything else

if __name__ == "__main__":
    consumer_main()
