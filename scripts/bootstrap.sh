#!/bin/sh
# What pip cannot install. Debian's packages are fetched only where something is missing.
#   bootstrap.sh venv PYTHON FOLDER   a virtual environment with pip
#   bootstrap.sh asked PYTHON FOLDER  whether that environment, where there is one, is of that Python
#   bootstrap.sh chromium             a browser for the checks of the built pages, and what drives it
#   bootstrap.sh browsers             two others: Firefox, and WebKitGTK with its driver and a screen
set -eu

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

debian() {
    command -v apt-get >/dev/null || fail "$1 is missing; please install it and try again"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "$1 is missing; as root: apt-get install $*"
        as_root=sudo
    fi
    printf 'Installing the Debian packages: %s\n' "$*"
    $as_root apt-get update -qq
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        fail "apt-get could not install $*"
}

is_promised() {
    "$1" -c 'import sys; sys.exit(not (3, 11, 2) <= sys.version_info < (3, 15))'
}

# An environment that is there stays, whatever python3 is now: who asks for another Python is told, below.
make_venv() {
    python=$1
    folder=$2
    "$folder/bin/python" -m pip --version >/dev/null 2>&1 && is_promised "$folder/bin/python" && return
    command -v "$python" >/dev/null || fail "$python is missing; name another: make PYTHON=python3.12"
    is_promised "$python" ||
        fail "expected Python 3.11.2 to 3.14, got $("$python" --version); make PYTHON=python3.12"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv
    rm -rf "$folder"
    "$python" -m venv "$folder"
}

# What tells one Python from another, also where one of them is in an environment.
kind_of() {
    "$1" -c 'import os, sys
name = {"cpython": "Python"}.get(sys.implementation.name, sys.implementation.name)
print(name, sys.version.split()[0] + sys.abiflags, "in", os.path.realpath(sys.base_prefix))'
}

asked() {
    python=$1
    folder=$2
    there=$(kind_of "$folder/bin/python" 2>/dev/null) || return 0
    command -v "$python" >/dev/null || fail "$python is missing; name another: make PYTHON=python3.12"
    wanted=$(kind_of "$python") || fail "expected a Python, got PYTHON=$python"
    [ "$there" = "$wanted" ] ||
        fail "$folder is of $there, and PYTHON=$python is $wanted: remove $folder, or name another: make VENV=.venv-other"
}

find_chromium() {
    for name in ${CHROMIUM:-} chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return
    done
    return 1
}

# Whether the dynamic linker knows a library; where there is no ldconfig, no such library is asked for.
has_library() {
    known=$(PATH=$PATH:/usr/sbin:/sbin && ldconfig -p 2>/dev/null) || return 0
    case $known in
    *"$1"*) ;;
    *) return 1 ;;
    esac
}

# The Node.js that comes with Playwright needs libatomic, which a bare Debian has not.
make_browser() {
    set --
    find_chromium >/dev/null || set -- chromium fonts-dejavu-core
    has_library libatomic.so.1 || set -- "$@" libatomic1
    [ $# -eq 0 ] || debian "$@"
}

make_browsers() {
    set --
    command -v "${FIREFOX:-firefox-esr}" >/dev/null || command -v firefox >/dev/null || set -- firefox-esr
    command -v WebKitWebDriver >/dev/null || set -- "$@" webkit2gtk-driver
    command -v Xvfb >/dev/null || set -- "$@" xvfb
    [ $# -eq 0 ] || debian "$@"
}

case ${1:-} in
venv) make_venv "$2" "$3" ;;
asked) asked "$2" "$3" ;;
chromium) make_browser ;;
browsers) make_browsers ;;
*) fail "expected venv, asked, chromium or browsers, got '${1:-}'" ;;
esac
