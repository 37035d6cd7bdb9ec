#!/bin/sh
# A newcomer's first minutes: clones this repository into a new folder, and makes a target there with an empty HOME.
#
#     tests/setup/bare.sh [target and variables of make; default: test]
#
# Afterwards nothing may lie in that HOME but the caches of Go, its tools and pip. What reaches the registries from this
# machine (certificates, proxies, mirrors) is passed through; nothing else of your environment is.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
top=$(mktemp -d)
trap 'chmod -R u+w "$top"; rm -rf "$top"' EXIT
trap 'exit 130' INT TERM
mkdir "$top/home"
git clone -q "$here" "$top/clone"

start=$(date +%s)
pass=$(env | grep -E '^(CI|GOPROXY|GOSUMDB|GONOSUMDB|GOPRIVATE|PIP_[A-Z_]*|SSL_CERT_[A-Z]*|REQUESTS_CA_BUNDLE|[A-Za-z]*_(proxy|PROXY))=' || true)
IFS='
'
# shellcheck disable=SC2086 # one word for each line of pass
env -i HOME="$top/home" PATH="$PATH" $pass make -C "$top/clone" "${@:-test}" && made=0 || made=$?
echo "bare: make ${*:-test} took $(($(date +%s) - start)) s, exit status $made"

left=$(cd "$top/home" && find . -mindepth 1 -maxdepth 2 | grep -vE '^\./(go|\.cache|\.config)(/|$)' || true)
[ -z "$left" ] || { echo "bare: in HOME lies more than caches: $left"; exit 1; }
git -C "$top/clone" diff --stat --exit-code || { echo "bare: committed files were changed"; exit 1; }
exit "$made"
