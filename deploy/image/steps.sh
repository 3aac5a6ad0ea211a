#!/bin/sh
# What an image of the desk is made by: the Dockerfile calls it, and deploy/image/trial in a bare Debian root.
#   steps.sh build   in the checkout: the virtual environment from the lock, wheels by hash alone, nothing compiled
#   steps.sh final   in the result: Python, certificates, an ordinary user
set -eu
cd "$(dirname "$0")/../.."
export DEBIAN_FRONTEND=noninteractive PYTHONDONTWRITEBYTECODE=

packages() {
    apt-get update -q
    apt-get install -y -q --no-install-recommends "$@"
    rm -rf /var/lib/apt/lists/*
}

case "$1" in
    build)
        packages python3 python3-venv
        PIP_ONLY_BINARY=:all: PIP_NO_CACHE_DIR=1 python3 -c '
from launcher import venv
venv.ensure("requirements.txt")'
        if [ "${TRACES:-0}" = 1 ]; then
            PIP_ONLY_BINARY=:all: PIP_NO_CACHE_DIR=1 .venv/bin/python -m pip install -q --require-hashes \
                -r requirements-traces.txt
        fi
        .venv/bin/python -m compileall -q portal tasks launcher backups migrations .venv/lib || true
        rm -rf tests benchmarks .git node_modules var ;;
    final)
        packages python3 ca-certificates tzdata
        groupadd --gid 10001 quittance
        useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin quittance
        install -d -o 10001 -g 10001 -m 0700 /var/lib/quittance /var/lib/quittance/files ;;
    *)
        echo "steps.sh build|final" >&2
        exit 2 ;;
esac
