#!/bin/sh
# Makes .venv with the programs of this project and nox in it.
# Nothing outside .venv is changed; works where pip refuses to install for the system.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "This needs Python 3.11 or newer as '$python' (or name another: PYTHON=python3.12)." >&2
    exit 1
fi

echo "Setting up .venv (once) ..." >&2
rm -rf .venv
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv .venv
elif "$python" -c 'import pip, venv' 2>/dev/null; then
    "$python" -m venv --without-pip .venv
else
    echo "'$python' has neither ensurepip nor pip. On Debian and Ubuntu: sudo apt-get install python3-venv" >&2
    exit 1
fi

if [ -x .venv/bin/pip ]; then
    install=".venv/bin/python -m pip"
else
    install="$python -m pip --python .venv/bin/python"
fi
$install install --quiet --disable-pip-version-check --editable '.[programs]' nox
touch .venv/ready
