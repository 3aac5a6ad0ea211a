# Finds a Python that is new enough for the launcher: start.sh FOLDER COMMAND ARGUMENTS…
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        exec "$python" -c '
import sys
sys.path[0] = sys.argv.pop(1)
from launcher.main import main
sys.exit(main(sys.argv[1], sys.argv[2:]))' "$@"
    fi
done
echo "quittance: Python 3.11 or newer is missing ($(python3 --version 2>/dev/null || echo 'no python3') was found)." \
     "On Debian 12 and later: apt-get install python3 python3-venv" >&2
exit 1
